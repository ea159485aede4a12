"""A long recording takes no more memory than a short one: nothing grows with the number of frames."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mien.analysis.one_input
from mien.analysis.one_input import analyse
from mien.analysis.partial import Partial, Wanted
from mien.analysis.task import Task
from mien.config import Settings
from mien.pipeline import Pipeline
from mien.source import SourceReport
from mien.types import Frame
from tiny_network import save_tiny


class LongSource:
    """Many small pictures."""

    name, live = "long", False

    def __init__(self, frames: int) -> None:
        self.report = SourceReport(duration_s=frames / 25, size_wh=(16, 16))
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        image = np.full((16, 16, 3), 90, np.uint8)
        for index in range(self._frames):
            self.report.frames_read += 1
            yield Frame(image, index, index / 25, self.name)

    def close(self) -> None:
        pass


@pytest.mark.exhaustive
def test_memory_does_not_grow_with_the_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, task, wanted = 700, Task("long", "video", "long", "long"), Wanted(plots=False)
    monkeypatch.setattr(mien.analysis.one_input, "open_source", lambda where, **_: LongSource(frames))
    held_bytes = []

    def measure(share: float) -> None:
        if round(share * frames) in (100, 600):
            gc.collect()
            held_bytes.append(tracemalloc.get_traced_memory()[0])

    with Pipeline(Settings(network=str(save_tiny(tmp_path)), crops=True)) as pipeline:
        tracemalloc.start()
        analyse(task, pipeline, tmp_path, wanted, measure)
        tracemalloc.stop()
    assert sum(1 for _ in Partial.of(task, tmp_path, wanted).rows(wanted.columns)) == frames
    # One row alone, kept as Python objects, would be about a kilobyte.
    assert held_bytes[1] - held_bytes[0] < 100_000
