"""Flask extensions, bound to an application by the factory."""

from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter

from movierating.http.blueprint import Api
from movierating.http.proxies import get_client_network

# A page of another origin can read these headers of a response, besides those that CORS always allows.
EXPOSED_HEADERS = (
    *("Allow", "Content-Disposition", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy"),
    *("Retry-After", "WWW-Authenticate", "X-Request-ID"),
)
# How long a browser may use the response to a preflight request. Chrome caps it at two hours.
PREFLIGHT_MAX_AGE_SECONDS = 7200

api = Api()
cors = CORS()
jwt = JWTManager()
limiter = Limiter(get_client_network)
