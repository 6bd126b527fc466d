"""The service behind proxies that compress and that cache."""

import contextlib
import gzip
import json
import re
from http.client import HTTPConnection

import pytest

from deploy.nginx import run_nginx

pytestmark = pytest.mark.any_database

COMPRESSING_SITE = """
    gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {url}; {header} }} }}
"""


@pytest.mark.parametrize("header", ["", 'proxy_set_header Accept-Encoding "";'], ids=["both", "only nginx"])
@pytest.mark.parametrize("title", ["Emma", "x" * 500], ids=["small", "large"])
def test_etags_work_behind_a_proxy_that_compresses(
    program, serve, free_port, admin, add_movie, tmp_path, header, title
):
    nginx, port, path = (
        program("nginx"),
        free_port(),
        f"/v1/movies/{add_movie(title=title, original_title=title)}",
    )
    service = serve(tmp_path / "instance")
    site = COMPRESSING_SITE.format(port=port, url=service.url, header=header)
    with (
        run_nginx(nginx, tmp_path, site, port),
        contextlib.closing(HTTPConnection("127.0.0.1", port)) as proxy,
    ):

        def send(method, body=None, **headers):
            headers |= {**admin.headers, "Accept-Encoding": "gzip", "Content-Type": "application/json"}
            proxy.request(method, path, body, headers)
            response = proxy.getresponse()
            return response.status, response.headers["ETag"], response.read()

        _, tag, body = send("GET")
        assert tag.startswith('W/"')
        assert json.loads(gzip.decompress(body))["title"] == title
        assert send("GET", **{"If-None-Match": tag})[0] == 304
        status, changed_tag, _ = send("PATCH", b'{"year": 1996}', **{"If-Match": tag})
        assert status == 200
        assert send("PATCH", b'{"year": 1997}', **{"If-Match": tag})[0] == 412
        assert send("GET", **{"If-None-Match": tag})[0] == 200
        assert send("GET", **{"If-None-Match": changed_tag})[0] == 304


# The second one ignores what the service says about storing, as some networks for content do.
CACHING_SITE = """
    proxy_cache_path {folder}/cache keys_zone=pages:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url}; proxy_cache pages; proxy_cache_valid 200 10m; add_header X-Cache $upstream_cache_status;
            {rule}
        }}
    }}
"""


@pytest.mark.parametrize(
    ("rule", "is_stored"),
    [("", False), ("proxy_ignore_headers Cache-Control;", True)],
    ids=["obeys", "ignores"],
)
def test_caching_proxy_gives_a_page_for_a_person_to_nobody_else(
    program, serve, free_port, sign_up, tmp_path, rule, is_stored
):
    nginx, port = program("nginx"), free_port()
    people = [sign_up(name).username for name in ("ada", "bob")]
    service = serve(tmp_path / "instance")
    site = CACHING_SITE.format(folder=tmp_path, port=port, url=service.url, rule=rule)
    with (
        run_nginx(nginx, tmp_path, site, port),
        contextlib.closing(HTTPConnection("127.0.0.1", port)) as proxy,
    ):

        def send(method, path, body=None, **headers):
            proxy.request(method, path, body, {**headers, "Sec-Fetch-Site": "same-origin"})
            response = proxy.getresponse()
            return response.headers, response.read().decode()

        cookies = {None: ""}
        for name in people:
            form = f"login={name}&password=correct+horse+battery&stay=1"
            content_type = {"Content-Type": "application/x-www-form-urlencoded"}
            headers, _ = send("POST", "/login", form, **content_type)
            cookies[name] = headers["Set-Cookie"].partition(";")[0]
        states = []
        for name in (None, "ada", "bob", None, "bob", "ada"):
            for path in ("/movies", "/people/ada"):
                headers, text = send("GET", path, Cookie=cookies[name])
                names = re.findall(r'class="me"[^>]*>([^<]*)<', text)
                assert names == ([name] if name else []), (path, name)
                assert "Set-Cookie" not in headers
                states.append(headers["X-Cache"])
        assert ("HIT" in states) == is_stored
