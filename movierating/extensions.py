"""Extensions of the HTTP side, not bound to an application until the factory does."""

from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate

from movierating.rest import Api

api = Api()
cors = CORS()
jwt = JWTManager()
limiter = Limiter(get_remote_address)
migrate = Migrate()
