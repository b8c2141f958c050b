"""docker/ cannot be run here; what it says is held to the code instead."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "lectotype"}


def ours(service: dict[str, Any]) -> dict[str, str]:
    return {key.removeprefix("LECTOTYPE_").lower(): value for key, value in service["environment"].items()}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_in_compose_is_a_setting_of_ours(name: str) -> None:
    assert ours(OURS[name]).keys() <= Settings.model_fields.keys()


@pytest.mark.parametrize("name", OURS)
def test_the_values_make_valid_settings(name: str, tmp_path: Path) -> None:
    variable = re.compile(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}")
    given = ours(OURS[name])
    assert given.pop("base_url").startswith("${BASE_URL:?")
    values = {key: variable.sub(lambda match: match[1] or "x", value) for key, value in given.items()}
    settings = Settings(**values)
    assert settings.database.startswith("postgresql://")
    assert settings.broker_url.startswith("redis://")
    assert settings.search_url.startswith("http://")


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_a_command_that_exists(name: str) -> None:
    assert OURS[name]["command"][0] in COMMANDS


def test_the_addresses_between_services_name_services() -> None:
    for service in OURS.values():
        hosts = re.findall(r"@([a-z]+):\d+", " ".join(ours(service).values()))
        assert set(hosts) == {"postgres", "redis", "elasticsearch"}
        assert set(hosts) <= COMPOSE["services"].keys()


def test_every_variable_of_compose_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker/compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=", (ROOT / "docker/example.env").read_text(), re.MULTILINE))
    assert asked <= given


def test_the_dockerfile_sets_only_settings_of_ours_and_copies_what_is_there() -> None:
    text = (ROOT / "docker/Dockerfile").read_text()
    names = {name.lower() for name in re.findall(r"LECTOTYPE_(\w+)=", text)}
    assert names
    assert names <= Settings.model_fields.keys()
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
    packages = re.search(r"packages = \[(.+)\]", (ROOT / "pyproject.toml").read_text())
    assert packages is not None
    for package in re.findall(r'"(\w+)"', packages[1]):
        assert f"COPY {package} ./{package}" in text


def test_every_service_is_confined_and_the_stores_ask_for_a_password() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "elasticsearch", name
    reachable = {name for name, service in COMPOSE["services"].items() if "ports" in service}
    assert reachable == {"proxy"}
    assert not set(COMPOSE["services"]["proxy"]["networks"]) & set(COMPOSE["services"]["postgres"]["networks"])
    for name in ("postgres", "redis", "elasticsearch"):
        assert COMPOSE["services"][name]["networks"] == ["stores"]
        assert "PASSWORD:?}" in str(COMPOSE["services"][name]), name
