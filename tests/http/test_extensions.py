"""CORS: other origins need a setting, and never get credentials."""

import pytest

pytestmark = pytest.mark.any_database

OURS, OTHERS = "https://films.example", "https://evil.example"
ADDRESSES = ["/v1/movies", "/v1/users/me", "/nowhere", "/openapi.json"]


def allowed(response):
    """Return the CORS headers of a response."""
    return {
        name.lower(): value for name, value in response.headers if name.lower().startswith("access-control-")
    }


def preflight(client, path, origin):
    """Send the preflight request of a PUT with a token."""
    headers = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    return client.options(path, headers={"Origin": origin, **headers})


@pytest.mark.parametrize("path", ADDRESSES)
def test_other_origins_are_not_allowed_by_default(client, path):
    assert allowed(client.get(path, headers={"Origin": OTHERS})) == {}
    assert allowed(preflight(client, path, OTHERS)) == {}


@pytest.mark.parametrize("path", ADDRESSES)
def test_only_configured_origins_are_allowed(make_app, path):
    client = make_app(CORS_ORIGINS=OURS).test_client()
    for _ in range(2):
        response = client.get(path, headers={"Origin": OURS})
        assert allowed(response)["access-control-allow-origin"] == OURS
        assert allowed(client.get(path)) == {}
    assert preflight(client, path, OURS).headers["Access-Control-Allow-Headers"] == "authorization"
    for origin in (OTHERS, "null", f"{OURS}.evil.example", "http://films.example"):
        assert allowed(client.get(path, headers={"Origin": origin})) == {}
        assert allowed(preflight(client, path, origin)) == {}


def test_every_response_varies_by_origin(make_app):
    client = make_app(CORS_ORIGINS=OURS).test_client()
    for headers in ({"Origin": OURS}, {"Origin": OTHERS}, {}, {}):
        assert client.get("/v1/movies", headers=headers).headers["Vary"] == "Origin"


def test_other_origins_can_read_every_header_that_clients_need(make_app):
    client = make_app(CORS_ORIGINS=OURS).test_client()
    exposed = allowed(client.get("/v1/movies", headers={"Origin": OURS}))["access-control-expose-headers"]
    documented = client.get("/openapi.json").json["components"]["headers"]
    assert documented.keys() | {"Content-Disposition", "RateLimit", "RateLimit-Policy"} <= set(
        exposed.split(", ")
    )


def test_browsers_may_cache_a_preflight_for_two_hours(make_app):
    client = make_app(CORS_ORIGINS=OURS).test_client()
    assert allowed(preflight(client, "/v1/movies", OURS))["access-control-max-age"] == "7200"


def test_other_origins_get_no_credentials(make_app):
    client = make_app(CORS_ORIGINS=OURS).test_client()
    assert "access-control-allow-credentials" not in allowed(preflight(client, "/v1/users/me", OURS))


def test_no_response_sets_a_cookie(client, member):
    for path in ("/docs", "/v1/movies", "/nowhere"):
        with client.get(path) as response:
            assert "Set-Cookie" not in response.headers
    login = client.post("/v1/auth/login", json={"login": "member", "password": "correct horse battery"})
    assert "Set-Cookie" not in {**login.headers, **member.get("/v1/users/me").headers}
