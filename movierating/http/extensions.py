"""Extensions of the HTTP side, not bound to an application until the factory does."""

from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_migrate import Migrate

from movierating.http.blueprint import Api
from movierating.http.proxies import get_client_network

api = Api()
cors = CORS()
jwt = JWTManager()
limiter = Limiter(get_client_network)
migrate = Migrate()
