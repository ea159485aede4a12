"""The plot of `mien happy`: the course, the threshold, and where nothing was read."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from mien.show.happy import happy_plot, highest_by_moment

WINDOWS = [(0.0, 2.0, 0.1), (1.0, 3.0, 0.7), (2.0, 4.0, 0.4), (3.0, 5.0, None), (4.0, 6.0, None)]


def drawn(figure: Figure) -> dict[str, tuple[list[float], list[float]]]:
    """Each step line or area by its label: its values and their borders."""
    patches = figure.findobj(StepPatch)
    return {
        str(each.get_label()): (list(each.get_data().values), list(each.get_data().edges))
        for each in patches
        if isinstance(each, StepPatch)
    }


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def test_each_moment_has_the_happiest_window_that_covers_it() -> None:
    generator = np.random.default_rng(0)
    said = generator.random(40)
    windows = [
        (start, start + 2.0, None if each < 0.2 else float(each)) for start, each in enumerate(said.tolist())
    ]
    borders_s, highest = highest_by_moment(windows)
    for time_s in np.arange(0.05, 41, 0.1):
        covering = [p for start, end, p in windows if start <= time_s < end and p is not None]
        there = highest[np.searchsorted(borders_s, time_s) - 1]
        assert there == pytest.approx(max(covering)) if covering else np.isnan(there)


def test_what_is_above_the_threshold_is_filled_and_what_was_not_read_is_grey() -> None:
    found = drawn(happy_plot(WINDOWS, 0.5, title="a$b$_{.mp4", answer="happiness by c$d$.onnx"))
    assert found["happiness"] == ([0, 0.7, 0.7, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6])
    assert found["no face read"][0] == [0, 0, 0, 0, 1, 1]
    assert found["probability"][0][:4] == [0.1, 0.7, 0.7, 0.4]


def test_threshold_title_and_answer_are_printed_as_they_are() -> None:
    said = words(happy_plot(WINDOWS, 0.35, title="a$b$_{.mp4", answer="happiness by c$d$.onnx"))
    for each in ("a$b$_{.mp4", "happiness by c$d$.onnx", "threshold 0.35"):
        assert each in said
    assert "no face found" not in said


@pytest.mark.parametrize("windows", [[], [(0.0, 0.1, None)]])
def test_no_face_is_told(windows: list[tuple[float, float, None]]) -> None:
    assert "no face found" in words(happy_plot(windows, 0.5))
