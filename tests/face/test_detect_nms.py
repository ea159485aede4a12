from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.face.detect.nms import suppress, suppress_nested

Boxes = NDArray[np.float32]


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[Boxes, Boxes]:
    """Boxes on whole pixels, and scores that all differ."""
    corners = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 20)] * 2)
    xywh = np.array(draw(st.lists(corners, max_size=12)), np.float32).reshape(-1, 4)
    score = np.linspace(0.1, 0.9, len(xywh), dtype=np.float32)[draw(st.permutations(range(len(xywh))))]
    return np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]), score


def overlap(a: Boxes, b: Boxes, *, of_smaller: bool) -> float:
    """Count shared pixels one by one."""
    pixels = [
        {(x, y) for x in range(int(box[0]), int(box[2])) for y in range(int(box[1]), int(box[3]))}
        for box in (a, b)
    ]
    whole = min(map(len, pixels)) if of_smaller else len(pixels[0] | pixels[1])
    return len(pixels[0] & pixels[1]) / whole


def one_by_one(xyxy: Boxes, score: Boxes, threshold: float, *, of_smaller: bool) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(score)), key=lambda i: -score[i]):
        if all(overlap(xyxy[i], xyxy[j], of_smaller=of_smaller) <= threshold for j in kept):
            kept.append(i)
    return kept


# No two boxes of so few pixels overlap by exactly this, so rounding decides nothing.
THRESHOLD = 0.3456789


@given(scored_boxes())
def test_it_keeps_what_going_through_them_one_by_one_keeps(boxes: tuple[Boxes, Boxes]) -> None:
    assert suppress(*boxes, THRESHOLD).tolist() == one_by_one(*boxes, THRESHOLD, of_smaller=False)


@given(scored_boxes())
def test_nested_boxes_are_measured_by_the_smaller(boxes: tuple[Boxes, Boxes]) -> None:
    assert suppress_nested(*boxes, THRESHOLD).tolist() == one_by_one(*boxes, THRESHOLD, of_smaller=True)


@given(scored_boxes(), st.data())
def test_groups_leave_each_other_alone(boxes: tuple[Boxes, Boxes], data: st.DataObject) -> None:
    xyxy, score = boxes
    size = len(score)
    group = np.array(data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), np.int64)
    apart = [
        place
        for number in range(3)
        for place in np.flatnonzero(group == number)[
            suppress(xyxy[group == number], score[group == number], THRESHOLD)
        ]
    ]
    assert sorted(suppress(xyxy, score, THRESHOLD, group=group)) == sorted(apart)


def test_a_small_box_inside_a_large_one_goes_only_when_nested_ones_do() -> None:
    xyxy, score = np.array([[0, 0, 100, 100], [40, 40, 60, 60]], np.float32), np.array([0.9, 0.8], np.float32)
    assert suppress(xyxy, score, 0.5).tolist() == [0, 1]
    assert suppress_nested(xyxy, score, 0.5).tolist() == [0]


@pytest.mark.parametrize("function", [suppress, suppress_nested])
def test_of_no_boxes_none_stay(function: object) -> None:
    none = np.empty((0, 4), np.float32), np.empty(0, np.float32)
    assert suppress(*none, 0.5).shape == suppress_nested(*none, 0.5).shape == (0,)
