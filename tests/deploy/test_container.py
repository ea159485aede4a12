"""The Dockerfile and the compose file, as far as they can be looked at without a builder."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from mien.cli import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], " ".join(line.split()[1:])) for line in lines]


def given(name: str) -> list[str]:
    return [arguments for each, arguments in instructions() if each == name]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose()["services"]  # type: ignore[no-any-return]


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    sources = [each for copied in given("COPY") if "--from" not in copied for each in copied.split()[:-1]]
    assert "src" in sources
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / each).exists() and each in kept for each in sources)


def test_what_the_package_is_built_from_is_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = {"README.md", *re.findall(r'license-files = \["(\w+)", "(\w+)"\]', project)[0]}
    [copied] = [each.split() for each in given("COPY") if "pyproject.toml" in each]
    assert needed <= set(copied)


def test_the_extras_that_are_installed_are_there() -> None:
    [extras] = re.findall(r'"\.\[([\w,]+)\]"', " ".join(given("RUN")))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name} = \[", project, re.M) for name in extras.split(","))
    assert {"web", "record", "postgres"} <= set(extras.split(","))


def test_the_image_runs_as_nobody_in_particular_and_is_looked_after() -> None:
    assert given("USER") == ["10001:10001"]
    [check] = given("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    compile(command[2], "the health check", "exec")
    assert command[:2] == ["python", "-c"]
    assert "https://127.0.0.1:8470/login" in command[2]


def test_the_images_command_is_understood() -> None:
    [entry], [words] = given("ENTRYPOINT"), given("CMD")
    assert json.loads(entry) == ["mien"]
    root: Any = typer.main.get_command(app)
    _, command, arguments = root.resolve_command(typer.Context(root), json.loads(words))
    chosen = command.make_context("live", arguments).params
    secrets = set(compose()["services"]["mien"]["secrets"])
    paths = (chosen["password_file"], chosen["tls_cert"], chosen["tls_key"])
    assert {path.parent for path in paths} == {Path("/run/secrets")}
    assert {path.name for path in paths} | {"pgpass"} == secrets


def test_services_have_no_more_rights_than_they_need(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert services["mien"]["user"] == given("USER")[0]
    assert "cap_add" not in services["mien"]


def test_only_the_page_can_be_reached(services: dict[str, Any]) -> None:
    assert services["mien"]["ports"] == [f"{given('EXPOSE')[0]}:8470"]
    assert "ports" not in services["postgres"]
    assert services["postgres"]["networks"] == ["record"]
    assert compose()["networks"]["record"] == {"internal": True}


def test_no_secret_stands_in_the_files_or_would_be_committed(services: dict[str, Any]) -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for secret in compose()["secrets"].values():
        assert any(fnmatch(f"deploy/{secret['file']}", f"{line}*") for line in ignored if line)
    told = services["mien"]["environment"]
    assert told["MIEN_STORE"] == "postgresql://mien@postgres/mien"
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"].startswith("/run/secrets/")


def test_the_name_that_browsers_use_is_allowed(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.web.settings import WebSettings

    stated = services["mien"]["environment"]["MIEN_WEB_ALLOWED_HOSTS"]
    monkeypatch.setenv("MIEN_WEB_ALLOWED_HOSTS", re.sub(r"\$\{.*?\}", "ward.example", stated))
    assert WebSettings().allowed_hosts == ("ward.example",)
