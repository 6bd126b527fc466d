"""The image and the containers of docs/deploy."""

import json
import re
import subprocess
import sys
import tomllib
from collections import ChainMap
from pathlib import Path

import pytest
import yaml

from movierating.cli.main import main
from movierating.operations import server

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[2]

DEPLOY = ROOT / "docs" / "deploy"

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

SERVICES = COMPOSE["services"]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

DOCKER_STOP_TIMEOUT_SECONDS = 10


def get_instruction(name):
    """Return the arguments of the last instruction of this name in the Dockerfile."""
    return re.findall(rf"^{name} (.+(?:\\\n.+)*)$", DOCKERFILE, re.MULTILINE)[-1]


def test_image_copies_existing_files_that_are_not_ignored():
    copied = " ".join(re.findall(r"^COPY ((?!--).+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert all((ROOT / source).exists() for source in copied)
    assert {PROJECT["readme"], *PROJECT["license-files"], "movierating", "seed_data"} <= set(copied)


def test_image_has_the_extras_that_compose_needs():
    (extras,) = re.findall(r"\.whl\)\[(.+?)\]", DOCKERFILE)
    assert {"postgresql", "redis"} == set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_image_uses_a_supported_python():
    (version,) = set(re.findall(r"^FROM python:(\S+)-slim", DOCKERFILE, re.MULTILINE))
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_image_runs_serve_as_an_unprivileged_user():
    assert json.loads(get_instruction("ENTRYPOINT")) == ["movierating"]
    command, *options = json.loads(get_instruction("CMD"))
    assert main.commands[command].make_context(command, options).params["host"] == "0.0.0.0"
    assert f"useradd --uid {get_instruction('USER').split(':')[0]} " in DOCKERFILE
    assert f"MOVIERATING_INSTANCE_PATH={get_instruction('VOLUME')}" in DOCKERFILE


def test_docker_waits_until_the_service_has_drained():
    assert get_instruction("STOPSIGNAL") == "SIGTERM"
    assert server.DRAIN_TIMEOUT_SECONDS < DOCKER_STOP_TIMEOUT_SECONDS
    assert "stop_grace_period" not in SERVICES["movierating"]


def test_health_check_detects_a_ready_service(serve, free_port, instance):
    service = serve(instance)
    program, *words = json.loads(re.findall(r"^ +CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])
    assert program == "python"
    for url, code in ((service.url, 0), (f"http://127.0.0.1:{free_port()}", 1)):
        command = [sys.executable, *(word.replace("http://127.0.0.1:4000", url) for word in words)]
        assert subprocess.run(command, capture_output=True).returncode == code


def test_compose_builds_the_image_with_its_volume():
    service = SERVICES["movierating"]
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert [mount.partition(":")[2] for mount in service["volumes"]] == [get_instruction("VOLUME")]
    assert service["read_only"]


def test_compose_publishes_only_the_service_and_starts_it_last():
    port = get_instruction("EXPOSE")
    others = {name: service for name, service in SERVICES.items() if name != "movierating"}
    movierating = SERVICES["movierating"]
    assert movierating["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert movierating["depends_on"] == {name: {"condition": "service_healthy"} for name in others}
    for service in others.values():
        assert "ports" not in service
        assert service["healthcheck"]["test"]
        assert [COMPOSE["networks"][network]["internal"] for network in service["networks"]] == [True]


def test_secrets_have_no_defaults():
    values = dict(ChainMap(*(service.get("environment", {}) for service in SERVICES.values())))
    secrets = {name: value for name, value in values.items() if re.search("KEY|PASSWORD|TOKEN", name)}
    assert {"MOVIERATING_SECRET_KEY", "POSTGRES_PASSWORD"} <= secrets.keys()
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secrets.values())
    assert not any(re.search(r"://[^/]*:[^/]*@", value) for value in values.values())
    assert not re.search("KEY|PASSWORD|TOKEN", DOCKERFILE)
