"""Every example runs: the scripts by themselves, the notebooks in a kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from cli.helpers import ENVIRONMENT

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_S = 600


def run_script(name: str, folder: Path, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    ran = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_photograph(tmp_path: Path) -> None:
    told = run_script("photograph.py", tmp_path)
    assert "'neutral': 0." in told
    assert (tmp_path / "marked.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.exhaustive
def test_photograph_of_ones_own(tmp_path: Path, portrait_path: Path) -> None:
    told = run_script("photograph.py", tmp_path)
    assert run_script("photograph.py", tmp_path, portrait_path, "copy.png") == told
    assert (tmp_path / "copy.png").is_file()


@pytest.mark.exhaustive
def test_json_lines(tmp_path: Path) -> None:
    [line] = run_script("json_lines.py", tmp_path).splitlines()
    reading = json.loads(line)
    assert (reading["time_s"], reading["track"]) == (0, 0)
    assert 0 < reading["confidence"] < 1


@pytest.mark.exhaustive
def test_mood_record(tmp_path: Path) -> None:
    told = run_script("mood_record.py", tmp_path)
    assert "expressivity" in told
    assert "since" in told
    report = (tmp_path / "mood-record" / "report.html").read_text(encoding="utf-8")
    assert "SIM-1" in report


@pytest.mark.exhaustive
def test_own_sink(tmp_path: Path) -> None:
    told = run_script("own_sink.py", tmp_path)
    assert "'door': " in told
    assert "'bar': " in told


def cells(name: str) -> list[Any]:
    return nbformat.read(EXAMPLES / name, as_version=4).cells  # type: ignore[no-any-return, no-untyped-call]


NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_kept_without_their_results(name: str) -> None:
    kept = [cell for cell in cells(name) if cell.cell_type == "code"]
    assert kept
    assert all(cell.outputs == [] and cell.execution_count is None for cell in kept)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param(
            "corpus.ipynb",
            ["6 sources: 6 rows", "broken.jpg", "lima", "pnet"],
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            "own_training.ipynb",
            ["right: ", "MODEL_CARD.md", "surprise: read as"],
            marks=pytest.mark.training,
        ),
        pytest.param(
            "own_detector_and_network.ipynb",
            ["cascade: <1 face", "twice: ", "Frame('grace_hopper.jpg'"],
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_notebooks_run(name: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "own_training.ipynb":
        pytest.importorskip("keras")
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(EXAMPLES / name, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=LIMIT_S, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    for each in told:
        assert each in shown


def test_the_page_of_examples_names_each() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")):
        assert f"[{path.name}]({path.name})" in page
