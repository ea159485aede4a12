from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from mien.config import DetectorName, Settings
from mien.face.detect import DETECTORS, make_detector
from patience import LIMIT_S


def test_the_names_are_those_of_the_settings() -> None:
    assert {"auto", *DETECTORS} == set(get_args(DetectorName))


def test_auto_is_mtcnn() -> None:
    assert make_detector(Settings(detector="auto")).name == "mtcnn"


@pytest.mark.parametrize(
    ("name", "absent"), [("haar", ["onnx", "onnxruntime", "joblib"]), ("mtcnn", ["mien.fetch"])]
)
def test_only_the_chosen_one_is_imported(name: str, absent: list[str]) -> None:
    code = (
        "import sys; from mien.config import Settings; from mien.face.detect import make_detector; "
        f"make_detector(Settings(detector={name!r})); sys.exit(any(m in sys.modules for m in {absent}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT_S)
