"""Names such as "None" and "NA" are names; an empty cell and BIDS' n/a are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.study.tables import read_frame


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_people_called_none_stay(tmp_path: Path, between: str) -> None:
    names = ["None", "NA", "nan", "null", "NULL"]
    rows = [("person", "condition", "group", "onset_s")]
    rows += [
        (name, name, name, number) for name, number in zip(names, ("1", "NA", "nan", "", "2"), strict=True)
    ]
    rows += [("", "", "n/a", "3")]
    path = tmp_path / "stimuli.csv"
    path.write_text("".join(between.join(row) + "\n" for row in rows), "utf-8")
    frame = read_frame(path)
    for column in ("person", "condition", "group"):
        assert frame[column][:5].tolist() == names
        assert frame[column].isna().tolist() == [False] * 5 + [True]
    np.testing.assert_array_equal(frame["onset_s"], [1, np.nan, np.nan, np.nan, 2, 3])
    assert frame["onset_s"].dtype == np.float64
