from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.cli import doctor
from mien.expression import network
from mien.install import extras_command


@pytest.fixture(autouse=True)
def models(tmp_path: Path, tiny_network: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the tiny network as the one that is built in."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(network, "_models", lambda: tiny_network.parent)
    return tiny_network.parent


def test_a_healthy_machine(run: Run) -> None:
    ran = run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^ok +package +numpy +\d", ran.out, re.MULTILINE)
    assert re.search(r"^ok +network +tiny ", ran.out, re.MULTILINE)
    assert re.search(r"^ok +detector +mtcnn ", ran.out, re.MULTILINE)
    assert re.search(r"^optional +detector +yunet .*mien models fetch yunet", ran.out, re.MULTILINE)


def test_json(run: Run) -> None:
    report = json.loads(run("doctor", "--json").out)
    assert report["healthy"] is True
    states = {(check["kind"], check["name"]): check["state"] for check in report["checks"]}
    assert states["package", "onnxruntime"] == "ok"
    assert states["detector", "haar"] == "ok"
    assert {check["kind"] for check in report["checks"]} == {
        "package", "extra", "network", "detector", "training", "camera"
    }  # fmt: skip


def test_a_damaged_network_is_found(run: Run, models: Path) -> None:
    (models / "tiny.onnx").write_bytes(b"damaged")
    ran = run("doctor")
    assert ran.code == 1
    assert re.search(r"^missing +network +tiny .*damaged", ran.out, re.MULTILINE)


def test_no_network_at_all(run: Run, models: Path) -> None:
    (models / "tiny.onnx").unlink()
    ran = run("doctor")
    assert ran.code == 1
    assert json.loads(run("doctor", "--json").out)["healthy"] is False


def test_a_missing_package_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    ran = run("doctor")
    assert ran.code == 1
    assert re.search(r"^missing +package +no-such-package .*pip install", ran.out, re.MULTILINE)


def test_one_command_brings_all_that_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "EXTRAS", {"web": ("no-such-page",), "mqtt": ("numpy",), "heic": ("no-such",)}
    )
    remedy = json.loads(run("doctor", "--json").out)["remedy"]
    assert remedy == extras_command("web", "heic")
    ran = run("doctor")
    assert ran.out.splitlines()[-1] == f"To install the extras: {remedy}"
    assert re.search(
        r"^optional +extra +no-such-page +the page of mien live: .*\[web\]", ran.out, re.MULTILINE
    )
    monkeypatch.setattr(doctor, "EXTRAS", {"mqtt": ("numpy",)})
    assert json.loads(run("doctor", "--json").out)["remedy"] is None


def test_the_packages_are_the_project_s() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", dependency)[0] for dependency in project["dependencies"]]  # type: ignore[index]
    assert sorted(names) == sorted(doctor.PACKAGES)


def test_the_extras_are_the_project_s() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(doctor.EXTRAS) | {"train", "train-torch"} == set(extras)
    assert set(doctor.USES) == set(doctor.EXTRAS)
    for extra, names in doctor.EXTRAS.items():
        brought = {re.match(r"[\w.-]+", dependency)[0] for dependency in extras[extra]}  # type: ignore[index]
        assert set(names) <= brought
