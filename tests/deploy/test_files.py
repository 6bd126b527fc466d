"""The files in docs/deploy agree with the limits and the settings of the service."""

import configparser
import re
from pathlib import Path

import pytest

from movierating import config
from movierating.http import proxies
from movierating.operations import server

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[2]

DEPLOY = ROOT / "docs" / "deploy"

NGINX = (DEPLOY / "nginx.conf").read_text()

CADDYFILE = re.findall(r"^```text\n(.*?)^```", (ROOT / "docs/film-club.md").read_text(), re.M | re.S)[0]


def test_nginx_closes_idle_connections_before_the_service_does():
    (seconds,) = re.findall(r"^upstream .+?keepalive_timeout (\d+)s;", NGINX, re.DOTALL | re.MULTILINE)
    assert int(seconds) < server.HEADER_TIMEOUT_SECONDS


def test_proxies_accept_the_largest_upload_and_larger_ones_that_the_service_rejects():
    (mebibytes,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    (megabytes,) = re.findall(r"max_size (\d+)MB$", CADDYFILE, re.MULTILINE)
    max_bytes = next(setting.default for setting in config.SETTINGS if setting.name == "MAX_UPLOAD_BYTES")
    assert max_bytes < int(mebibytes) << 20 <= proxies.MAX_DISCARDED_BYTES
    assert max_bytes < int(megabytes) * 1_000_000 <= proxies.MAX_DISCARDED_BYTES


def test_caddy_drops_headers_that_clients_could_forge():
    for line in ("request_header -*_*", "header_up -X-Forwarded-Port", "header_up -X-Forwarded-Prefix"):
        assert re.search(rf"^\s+{re.escape(line)}$", CADDYFILE, re.MULTILINE)


def test_nginx_uses_current_tls_and_hsts_for_a_year():
    listeners = ["80;", "[::]:80;", "443 ssl http2;", "[::]:443 ssl http2;"]
    assert re.findall(r"^ +listen (.+)$", NGINX, re.MULTILINE) == listeners
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in NGINX
    assert 'add_header Strict-Transport-Security "max-age=31536000" always;' in NGINX


def test_unit_allows_connections_and_time_to_drain():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(DEPLOY / "movierating.service")
    assert int(unit["Service"]["LimitNOFILE"]) >= server.MAX_CONNECTIONS_PER_WORKER + server.RESERVED_FILES
    assert int(unit["Service"]["TimeoutStopSec"]) > server.DRAIN_TIMEOUT_SECONDS


def test_files_use_existing_settings():
    written = "".join(file.read_text() for file in DEPLOY.iterdir())
    names = set(re.findall(rf"\b{config.PREFIX}(\w+)", written))
    assert "DATABASE_URL" in names <= {setting.name for setting in config.SETTINGS}


def test_unit_trusts_the_proxy_of_the_guide():
    assert "Environment=MOVIERATING_TRUSTED_PROXIES=1\n" in (DEPLOY / "movierating.service").read_text()
    assert "trusted_proxies" not in (ROOT / "docs/film-club.md").read_text()
