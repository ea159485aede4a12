"""The recipes for a corpus on Slurm and Kubernetes, as far as they can be looked at without either."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

import needs
from mien.cli import app

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.program
def test_the_script_is_one_of_bash() -> None:
    bash = needs.program("bash", "a shell")
    subprocess.run([bash, "-n", DEPLOY / "corpus.slurm"], check=True)


def test_their_commands_are_ours() -> None:
    job = yaml.safe_load((DEPLOY / "corpus.yaml").read_text("utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    script = (DEPLOY / "corpus.slurm").read_text("utf-8")
    (line,) = re.findall(r"^ +(mien .*)$", script, re.MULTILINE)
    command = typer.main.get_command(app)
    for words in (job["spec"]["entrypoint"].split(), line.replace('"', "").split()):
        assert words[:3] == ["mien", "corpus", "analyze"]
        group = command.get_command(typer.Context(command), "corpus")  # type: ignore[attr-defined]
        parsed = group.commands["analyze"].make_context("analyze", words[3:])
        assert parsed.params["engine"] == "ray"
        assert parsed.params["address"]
