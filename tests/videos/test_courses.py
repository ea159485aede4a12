"""Labelled courses: read from a table, and compared with states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.errors import DatasetError
from mien.videos.courses import agreement, average_precisions, course_of, false_changes, read_courses
from needs import package

package("sklearn")

LABELS = ("sleep", "joy", "neutral")


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_label_holds_until_the_next_row(tmp_path: Path) -> None:
    file = table(
        tmp_path / "c.csv",
        "video,time_s,label\nb.mp4,0,joy\na.mp4,1,joy\na.mp4,0.4,sleep\na.mp4,2,\na.mp4,3,joy\n",
    )
    found = dict(read_courses(file, LABELS, 0.5))
    assert list(found) == ["a.mp4", "b.mp4"]
    assert found["a.mp4"].tolist() == [-1, 0, 1, 1, -1, -1, 1]
    assert found["b.mp4"].tolist() == [1]


def test_a_spreadsheets_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    file = table(tmp_path / "c.csv", "video;time_s;label\na.mp4;0,5;sleep\na.mp4;1,5;joy\n")
    assert dict(read_courses(file, LABELS, 0.5))["a.mp4"].tolist() == [-1, 0, 0, 1]


def test_a_label_may_be_called_none(tmp_path: Path) -> None:
    file = table(tmp_path / "c.csv", "video,time_s,label\nNA,0,None\nNA,1,\n")
    assert dict(read_courses(file, ("None", "joy"), 0.5))["NA"].tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("video,time_s\na,0\n", "found no label"),
        ("video,time_s,label\na,0,anger\n", "no label anger; its labels are sleep, joy, neutral"),
        ("video,time_s,label\na,soon,joy\n", "a time in seconds from 0 on in every row"),
        ("video,time_s,label\na,-1,joy\n", "a time in seconds from 0 on"),
        ("video,time_s,label\n", "a time in seconds from 0 on"),
        ("", "not a readable table"),
    ],
)
def test_what_is_no_table_of_courses(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_courses(table(tmp_path / "c.csv", text), LABELS, 0.5)


def test_a_films_course_is_found_by_its_name_alone(tmp_path: Path) -> None:
    file = table(
        tmp_path / "c.csv", "video,time_s,label\nC:\\night\\a.mp4,0,joy\nfilms/b.mp4,0,sleep\nc,0,neutral\n"
    )
    assert [course_of(file, film, LABELS, 0.5).tolist() for film in ("a.mp4", "b.mp4", "c.mp4")] == [
        [1],
        [0],
        [2],
    ]
    with pytest.raises(DatasetError, match=r"no rows of the video d.mp4; there are: .*, c, "):
        course_of(file, "d.mp4", LABELS, 0.5)


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_film_may_be_called_na_or_by_a_number(tmp_path: Path, between: str) -> None:
    rows = ["video,time_s,label", "NA,0,joy", "None,0,sleep", "007,0.5,joy", "7,0,neutral", "7,1,NA"]
    file = table(tmp_path / "c.csv", "\n".join(rows).replace(",", between) + "\n")
    found = dict(read_courses(file, LABELS, 0.5))
    assert {name: course.tolist() for name, course in found.items()} == {
        "NA": [1], "None": [0], "007": [-1, 1], "7": [2, 2, -1],
    }  # fmt: skip
    file.write_text("video,time_s,label\n,0,joy\n", "utf-8")
    with pytest.raises(DatasetError, match="the name of the video in every row"):
        read_courses(file, LABELS, 0.5)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read: there is no such file"):
        read_courses(tmp_path / "none.csv", LABELS, 0.5)


def test_average_precision_worked_out_by_hand() -> None:
    """Precision at each hit as frames are taken by falling probability; a frame without a face comes last."""
    truth = np.array([0, 1, 0, 1, 0])
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [np.nan, np.nan]])
    found = average_precisions(p, truth, ("a", "b", "c"))
    assert found == {"a": pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3), "b": pytest.approx((1 / 1 + 2 / 3) / 2)}


def test_false_changes_have_no_true_one_near() -> None:
    times_s = np.arange(10) / 2
    truth = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert false_changes(np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1]), truth, times_s) == 0
    assert false_changes(np.array([0, 1, 0, -1, 0, 1, 1, 1, 1, 0]), truth, times_s) == 3
    assert false_changes(np.array([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), np.zeros(10, int), times_s) == 2
    assert false_changes(np.full(10, -1), truth, times_s) == 0


def test_agreement_counts_a_frame_without_a_face_as_wrong() -> None:
    names = ["sleep", "joy", "joy", None]
    read = pd.DataFrame(
        {"time_s": [0, 0.5, 1, 1.5], "label": names, "state": ["sleep", "sleep", "joy", None]}
    )
    for label in LABELS:
        read[f"p_{label}"] = [float(name == label) if name else np.nan for name in names]
    found = agreement(read, np.array([0, 0, 1, 1]), LABELS, 0.5)
    assert (found.frames, found.accuracy, found.accuracy_of_frames) == (4, 0.75, 0.5)
    assert found.average_precision == {
        "sleep": pytest.approx((1 + 2 / 3) / 2),
        "joy": pytest.approx((1 / 2 + 2 / 4) / 2),
    }
    with pytest.raises(DatasetError, match="none of the film's 4 frames"):
        agreement(read, np.array([], int), LABELS, 0.5)
