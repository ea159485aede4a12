"""Marks of a record as a table of stimuli, beside the readings that they were set in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import SourceError, StoreError
from mien.store.store import Store
from mien.study.epochs import epochs
from mien.study.marks import recorded_marks
from study.marked import marked_record


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_record(tmp_path_factory.mktemp("marks") / "record.sqlite")


def test_marks_are_stimuli_of_their_recordings(record: Path, tmp_path: Path) -> None:
    found = recorded_marks(record)
    assert list(found.marks["name"]) == ["Mark 10", "Mark 30", "Mark 20"]
    assert list(found.marks["onset_s"]) == [10, 30, 20]
    assert list(found.marks["duration_s"]) == [0, 3, 0]
    assert list(found.marks["source"]) == ["key", "page", "page"]
    assert set(found.marks["person"]) == {"SIM-1"}
    assert set(found.readings["recording"]) == set(found.marks["recording"])
    files = found.save(tmp_path)
    made = epochs(files[1], files[0], least_face=0.3)
    assert len(made.events) == 3
    assert made.events["baseline"].notna().any()
    assert made.notes[0].startswith("simulated")


def test_a_record_without_marks_is_refused(record: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        recorded_marks(tmp_path / "gone.sqlite")
    with pytest.raises(StoreError):
        recorded_marks(record, ["P-999"])
    with Store(tmp_path / "empty.sqlite") as store:
        store.subjects.add("P-001")
    with pytest.raises(SourceError, match=r"empty\.sqlite.* holds no marks in recordings"):
        recorded_marks(tmp_path / "empty.sqlite")
