from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mien
from mien import errors

HEAVY = {
    "av",
    "cv2",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "PIL",
    "pyarrow",
    "pydantic",
    "scipy",
    "typer",
}


def test_all_is_sorted_and_complete() -> None:
    assert sorted(mien.__all__) == mien.__all__
    assert set(mien._HOME) | {"__version__"} == set(mien.__all__)
    assert dir(mien) == mien.__all__


@pytest.mark.parametrize("name", [name for name in mien.__all__ if name != "__version__"])
def test_each_name_is_what_its_module_has(name: str) -> None:
    assert getattr(mien, name) is getattr(importlib.import_module(mien._HOME[name]), name)


def test_every_error_is_public() -> None:
    raised = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert raised <= set(mien.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mien' has no attribute 'analyse'"):
        mien.analyse  # noqa: B018


def test_a_star_import_gives_all_names() -> None:
    names: dict[str, object] = {}
    exec("from mien import *", names)
    assert set(mien.__all__) <= set(names)


def test_the_version_is_the_package_s() -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == mien.__version__


def test_import_loads_nothing_heavy() -> None:
    script = "import sys, mien; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert loaded & HEAVY == set()


def test_a_photograph_needs_no_plots_nor_data_frames(
    portrait_path: Path, tiny_network: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; from mien.cli import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    command = [
        sys.executable,
        "-c",
        script,
        "analyze",
        portrait_path,
        "--network",
        tiny_network,
        "--out",
        tmp_path,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stderr.split()}
    assert loaded & {"matplotlib", "pandas", "pyarrow"} == set()


def test_onnx_runtime_does_not_report_to_its_maker(tmp_path: Path) -> None:
    # Where it may, it leaves the number of its session in the folder for temporary files.
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for name in ("TMPDIR", "TMP", "TEMP"):
        environment[name] = str(tmp_path)
    code = "import os, mien.expression.network; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment["PYTHONPATH"] = str(Path(mien.__file__).parents[1])
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "1\n"
    assert list(tmp_path.iterdir()) == []
