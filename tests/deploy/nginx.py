"""An nginx with the configuration of a site, and requests to it."""

import contextlib
import subprocess
import urllib.error
import urllib.request

NGINX_CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 400; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
{site}
}}
"""


@contextlib.contextmanager
def run_nginx(nginx, folder, site, port):
    """Run nginx with the configuration of a site, which listens on the port, until the block ends."""
    file = folder / "nginx.conf"
    file.write_text(NGINX_CONF.format(folder=folder, site=site))
    with subprocess.Popen([nginx, "-c", file, "-e", folder / "error.log"]) as process:
        try:
            while process.poll() is None and not get_status(port, "/healthz"):
                pass
            assert process.poll() is None, (folder / "error.log").read_text()
            yield
        finally:
            process.terminate()


def get_status(port, path, body=None, **headers):
    """Send a request and return the status of the response, None if there is no server."""
    address = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return None
