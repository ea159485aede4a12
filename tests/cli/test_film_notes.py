"""What is wrong with a film is said by every command that reads a whole one, in the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.helpers import Run, save_clip
from mien.videos.clip import ONE_PICTURE

SHARE = 0.6
"""So much of the file is left."""


@pytest.fixture(scope="module")
def films(small_portrait: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A second of a face, cut off in containers that still say how long it was; and a picture."""
    folder = tmp_path_factory.mktemp("films")
    noise = np.random.default_rng(0).integers(0, 24, (12, *small_portrait.shape), np.uint8)
    images = [np.minimum(small_portrait, 230) + each for each in noise]
    found = {}
    for suffix in ("mp4", "mkv"):
        whole = save_clip(folder / f"whole.{suffix}", images, index_first=True)
        found[suffix] = folder / f"cut.{suffix}"
        data = whole.read_bytes()
        found[suffix].write_bytes(data[: int(SHARE * len(data))])
    found["jpg"] = folder / "one.jpg"
    Image.fromarray(small_portrait).save(found["jpg"])
    return found


def told(command: str, ran: Any) -> dict[str, Any]:
    """The answer for the one film; some commands answer for several."""
    assert ran.code == 0, ran.err
    answer = json.loads(ran.out)
    return answer[0] if isinstance(answer, list) else answer  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("command", "suffix"),
    [("happy", "mp4"), ("sentiment", "mkv"), ("micro", "mp4"), ("infant", "mkv"), ("summarize", "mp4")],
)
def test_a_film_that_breaks_off_is_said_to(
    run: Run, films: dict[str, Path], command: str, suffix: str
) -> None:
    answer = told(command, run(command, films[suffix], "--json"))
    assert answer["notes"][0].startswith("truncated after 0.")
    assert answer["notes"][0].partition(";")[0].endswith(" of 1.2 s")


@pytest.mark.parametrize("command", ["happy", "sentiment"])
def test_the_lines_say_it_too(run: Run, films: dict[str, Path], command: str) -> None:
    [note] = [line for line in run(command, films["mkv"]).out.splitlines() if "note: " in line]
    assert note.startswith("  note: truncated after 0.")


@pytest.mark.parametrize("command", ["happy", "sentiment", "infant"])
def test_one_picture_is_no_film(run: Run, films: dict[str, Path], command: str) -> None:
    """`mien micro` and `mien summarize` refuse it."""
    out = run(command, films["jpg"]).out
    assert f"note: {ONE_PICTURE}" in out
    assert "100% of 0.1 s" not in out
    assert "1 of 1 s" not in out
