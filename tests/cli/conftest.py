"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.helpers import Ran, Run, save_clip
from mien.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in this process, in an empty working folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def small_portrait(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The portrait with a face of about 90 pixels, (300, 256, 3)."""
    return np.asarray(Image.fromarray(portrait).resize((256, 300)))


@pytest.fixture
def photos(tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
    """A folder with three portraits; natural order differs from the alphabet's."""
    folder = tmp_path / "photos"
    (folder / "later").mkdir(parents=True)
    for index, name in enumerate(["img2.jpg", "img10.jpg", "later/img1.png"]):
        Image.fromarray(np.roll(small_portrait, 5 * index, axis=1)).save(folder / name)
    return folder


@pytest.fixture
def clip(tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
    """One second: black, and from 0.4 s on a face that moves to the right."""
    black = np.zeros_like(small_portrait)
    images = [black] * 4 + [np.roll(small_portrait, 2 * index, axis=1) for index in range(6)]
    return save_clip(tmp_path / "clip.mp4", images)
