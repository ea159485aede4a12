"""People, sites and diagnoses called "None", "NA", "nan" or "null" are no missing cells; numbers may miss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.errors import ConfigError, SourceError
from mien.videos.cohort.record import rows_of
from mien.videos.cohort.table import read_cohort, read_frame

NAMES = ["None", "NA", "nan", "null"]


def written(path: Path, between: str = ",", **columns: list[object]) -> Path:
    lines = [
        between.join(columns),
        *(between.join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_words_stay_and_numbers_are_missing(tmp_path: Path, between: str) -> None:
    half = "0,5" if between == ";" else "0.5"
    path = written(
        tmp_path / "t.csv",
        between,
        subject=[*NAMES, "P5", "P6"],
        drug=["None", "SSRI", "None", "", "n/a", "SSRI"],
        age=["NA", "30", "nan", "40", "None", "50"],
        mean=[half, "NA", half, "null", half, "1"],
        date=["2026-05-01", "NA", "2026-05-02", "None", "2026-05-03", "2026-05-04"],
        asked=["True", "NA", "False", "True", "False", "True"],
        empty=["NA"] * 6,
    )
    frame = read_frame(path)
    assert frame["subject"].tolist() == [*NAMES, "P5", "P6"]
    assert frame["drug"].fillna("-").tolist() == ["None", "SSRI", "None", "-", "-", "SSRI"]
    np.testing.assert_array_equal(frame["age"], [np.nan, 30, np.nan, 40, np.nan, 50])
    np.testing.assert_array_equal(frame["mean"], [0.5, np.nan, 0.5, np.nan, 0.5, 1])
    assert frame["date"].isna().tolist() == [False, True, False, True, False, False]
    assert frame["asked"].isna().tolist() == [False, True, False, False, False, False]
    assert frame["empty"].isna().all()


def test_numbers_with_a_mistake_are_still_numbers(tmp_path: Path) -> None:
    cells = ["NA", "nan", *range(20), "12:5"]
    frame = read_frame(written(tmp_path / "t.csv", subject=[f"P{n}" for n in range(23)], m=cells))
    assert frame["m"].isna().tolist() == [True] * 2 + [False] * 21


def test_a_cohort_has_them_as_people_sites_and_labels(tmp_path: Path) -> None:
    many = 24
    path = written(
        tmp_path / "t.csv",
        subject=[*NAMES, *(f"P{n}" for n in range(many - 4))],
        site=[("None", "NA", "north")[n % 3] for n in range(many)],
        anxiety=["None" if n % 2 else "severe" for n in range(many)],
        a=["NA", *(round(np.sin(n), 3) for n in range(1, many))],
        b=[round(np.cos(3 * n), 3) for n in range(many)],
    )
    read = read_cohort(path, "anxiety", positive="severe")
    assert read.classes == ("severe", "None")
    assert len(np.unique(read.subject)) == many
    assert set(read.circumstances["site"]) == {"None", "NA", "north"}
    assert np.isnan(read.measures["a"]).sum() == 1
    three = written(tmp_path / "three.csv", subject=list("abc"), label=["yes", "no", "NA"], a=[1, 2, 3])
    with pytest.raises(ConfigError, match=r"label has 3 values: .*NA \(1\).* --positive and --negative"):
        read_cohort(three, "label")
    numbers = written(
        tmp_path / "n.csv", subject=list("abcd"), label=[0, 1, "NA", 1], a=[1, 2, 3, 4], b=[1, 2, 3, 5]
    )
    assert "1 recording without one of the two labels were left out." in read_cohort(numbers, "label").remarks
    numbered = written(tmp_path / "m.csv", subject=[1, 2, "NA"], label=[0, 1, 0], a=[1, 2, 3])
    with pytest.raises(SourceError, match="1 row without a subject"):
        read_cohort(numbered, "label")


def test_labels_of_people_with_such_names_fit(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", subject=[*NAMES, "", "P5"], a=range(6))
    labels = written(tmp_path / "l.csv", subject=[*NAMES, "P5", ""], label=list("xyxyxy"))
    found, _ = rows_of(table, "label", labels)
    assert found["label"].isna().tolist() == [False] * 4 + [True, False]
    assert found[["subject", "a", "label"]].dropna().values.tolist() == [
        ["None", 0, "x"], ["NA", 1, "y"], ["nan", 2, "x"], ["null", 3, "y"], ["P5", 5, "x"],
    ]  # fmt: skip


def test_labels_of_people_with_numbers_fit_although_one_is_missing(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", subject=[7, 8], a=[1, 2])
    labels = written(tmp_path / "l.csv", subject=[8, "", 7], label=list("xyz"))
    found, _ = rows_of(table, "label", labels)
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), pd.DataFrame({"subject": ["7", "8"], "a": [1, 2], "label": ["z", "x"]}),
        check_dtype=False,
    )  # fmt: skip
