"""A daily series of anything, from a CSV file to what has changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from mien.errors import ConfigError, SourceError
from mien.mood.change.findings import verdict
from mien.record.daily_series import draw_series, read_series, watch
from record.diaries import FIRST, written


def test_several_rows_of_a_day_become_their_mean(tmp_path: Path) -> None:
    days = read_series(written(tmp_path / "diary.csv"))
    raw = pd.read_csv(tmp_path / "diary.csv")
    assert list(days.columns) == ["mood", "sleep"]
    assert len(days) == 120
    assert days.loc[FIRST, "mood"] == pytest.approx(raw["mood"][:2].mean())


def test_a_change_is_told_of_the_column_that_changed(tmp_path: Path) -> None:
    found = watch(read_series(written(tmp_path / "diary.csv")), false_alarm_days=365).found
    (change,) = [each for each in found if each.kind == "change"]
    assert change.measures == ("mood",)
    assert change.since is not None
    assert abs((change.since - FIRST).days - 60) <= 3
    assert change.text.startswith("Mood has been lower than usual since about")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"date_column": "when"}, "expected a column of dates"),
        ({"measures": ["mud"]}, "no column 'mud'"),
        ({"date_format": "%d/%m/%y"}, "holds no dates of the form %d/%m/%y"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_series(written(tmp_path / "diary.csv"), **options)  # type: ignore[arg-type]


def test_what_is_no_table_of_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.csv: can't be read as CSV \(there is no such file"):
        read_series(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(SourceError):
        read_series(tmp_path / "empty.csv")
    (tmp_path / "slashes.csv").write_text("date,mood\n13/08/12,1\n")
    with pytest.raises(ConfigError, match="--date-format") as raised:
        read_series(tmp_path / "slashes.csv")
    assert "\n" not in str(raised.value)
    (tmp_path / "words.csv").write_text("date,mood\n2026-01-05,well\n")
    with pytest.raises(ConfigError, match="not a number"):
        read_series(tmp_path / "words.csv", measures=["mood"])
    with pytest.raises(ConfigError, match="--measure"):
        read_series(tmp_path / "words.csv")
    (tmp_path / "gap.csv").write_text("date,mood\n2026-01-05,1\n,2\n")
    with pytest.raises(ConfigError, match="row 3 has no date"):
        read_series(tmp_path / "gap.csv")


@pytest.mark.exhaustive
def test_a_patients_relapse_is_dated(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/series/kossakowski/ESMdata.csv"
    if not path.exists():
        pytest.skip("the series of Kossakowski et al. is not here")
    measures = ["mood_down", "mood_cheerf", "mood_enthus", "mood_relaxed"]
    days = read_series(path, date_format="%d/%m/%y", measures=measures)
    raw = pd.read_csv(path)
    assert days["mood_down"].iloc[0] == pytest.approx(raw.loc[raw["date"] == "13/08/12", "mood_down"].mean())
    watched = watch(days, false_alarm_days=365, end=dt.date(2012, 9, 23))
    (change,) = [each for each in watched.found if each.kind == "change"]
    assert change.measures[0] == "mood_down"
    # The weekly depression score was 1.0 on 17 December, 1.9 on 31 December, and stayed there.
    assert change.since is not None
    assert dt.date(2012, 12, 10) <= change.since <= dt.date(2012, 12, 31)
    assert draw_series(watched, tmp_path / "picture.png").stat().st_size > 10_000


def test_a_week_of_each_of_many_people_tells_no_change(shared: Path) -> None:
    path = shared / "data/series/alda/antidepressants.csv"
    if not path.exists():
        pytest.skip("the data of Singer & Willett is not here")
    table = pd.read_csv(path)
    for _, rows in table.groupby("id"):
        mood = rows.groupby("day")["positive_mood"].mean()
        mood.index = pd.Index([FIRST + dt.timedelta(int(day)) for day in mood.index], dtype=object)
        found = watch(mood.to_frame(), false_alarm_days=365).found
        assert {each.kind for each in found} <= {"not_ready"}
        assert verdict(found, 365) == ""
