from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.live.history import History
from mien.live.reading import Reading
from mien.table import COLUMNS, Columns, CsvTable, rows
from mien.types import Faces, Frame

IMAGE = np.zeros((9, 16, 3), np.uint8)


def faces(*widths: float, happiness: float = 0.5) -> Faces:
    """Faces of these widths, on tracks from 0."""
    rest = (1 - happiness) / 7
    p = [happiness if label == "happiness" else rest for label in EMOTIONS]
    boxes = np.array([[0, 0, width, width] for width in widths], float).reshape(-1, 4)
    count = len(widths)
    return Faces(
        boxes, track=np.arange(count), probabilities=[p] * count, expression=[1] * count,
        confidence=[happiness] * count, valence=[0.5] * count, arousal=[0.25] * count,
    )  # fmt: skip


def reading(number: int, rate_hz: float = 30, source: str = "cam", found: Faces | None = None) -> Reading:
    time_s = number / rate_hz
    seen = faces(10) if found is None else found
    shown = seen.fill(valence=[0.75] * len(seen))
    return Reading(Frame(IMAGE, number, time_s, source), seen, shown, 1e9 + time_s, 5.0)


@pytest.mark.parametrize("rate_hz", [3, 10, 30])
def test_the_timeline_has_at_most_five_points_a_second(rate_hz: int) -> None:
    history = History()
    for number in range(10 * rate_hz):
        history.add(reading(number, rate_hz))
    points = history.points("cam")
    assert len(points) == 10 * min(rate_hz, 5)
    assert points[0]["time_s"] == 0
    assert np.diff([point["time_s"] for point in points]).min() >= 0.19


def test_a_point_is_of_the_largest_face_and_smoothed() -> None:
    history = History()
    history.add(reading(0, found=faces(10, 30, 20)))
    (point,) = history.points("cam")
    assert point == {
        "time_s": 0.0,
        "at_s": 1e9,
        "track": 1,
        "expression": "happiness",
        "valence": 0.75,
        "arousal": 0.25,
        "probabilities": [
            pytest.approx(0.5 if label == "happiness" else 0.5 / 7, abs=1e-5) for label in EMOTIONS
        ],
    }


def test_only_what_came_after_a_time() -> None:
    history = History()
    for number in range(20):
        history.add(reading(number, rate_hz=1))
    assert [point["time_s"] for point in history.points("cam", since_s=16.0)] == [17, 18, 19]
    assert history.points("nobody") == []


def test_without_a_face_there_is_no_point_and_no_row() -> None:
    history = History()
    history.add(reading(0, found=Faces.empty()))
    assert history.points("cam") == []
    assert history.csv("cam") == history.csv("nobody") == ",".join(COLUMNS) + "\n"


def test_the_csv_is_the_table_of_all_readings_as_read(tmp_path: Path) -> None:
    history = History()
    path = tmp_path / "table.csv"
    table = CsvTable(path, Columns())
    for number in range(7):
        found = faces(*range(10, 10 + number))
        history.add(reading(number, found=found))
        table.write(rows(Frame(IMAGE, number, number / 30, "cam"), found))
    table.close()
    assert history.csv("cam") == path.read_text(encoding="utf-8")


def test_a_name_with_a_comma_stays_one_cell() -> None:
    history = History()
    history.add(reading(0, source='yard, "north"'))
    (row,) = csv.DictReader(io.StringIO(history.csv('yard, "north"')))
    assert row["source"] == 'yard, "north"'


def test_only_the_last_minutes_are_kept_and_of_gone_sources_too() -> None:
    history = History(minutes=1)
    for number in range(30):
        history.add(reading(number, rate_hz=1, source="gone"))
    for number in range(30, 200):
        history.add(reading(number, rate_hz=1))
    points = history.points("cam")
    assert (points[0]["time_s"], points[-1]["time_s"], len(points)) == (139, 199, 61)
    assert history.csv("cam").count("\n") == 1 + 61
    assert history.points("gone") == []
    assert history.csv("gone").count("\n") == 1


def test_a_flood_is_bounded() -> None:
    history = History(minutes=0.1)
    for number in range(1000):
        history.add(reading(number, rate_hz=1000))
    assert history.csv("cam").count("\n") == 1 + 360
    assert history.csv("cam").splitlines()[-1].startswith("cam,999,")


def test_what_is_forgotten_is_gone() -> None:
    history = History()
    history.add(reading(0))
    history.forget("cam")
    history.forget("cam")
    assert history.points("cam") == []
