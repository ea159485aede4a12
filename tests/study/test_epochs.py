"""Epochs around stimuli: the grid, the baseline, what is rejected and why, and what can't be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien import ConfigError, SourceError, epochs
from mien.study.epochs import on_grid, read_epochs
from mien.study.tables import Course

COLUMNS = ["recording", "onset_s", "name", "condition", "person"]


def readings(source: str = "a.mp4", end_s: float = 60.0, rate_hz: float = 25.0) -> pd.DataFrame:
    """A valence that is the time, read all along."""
    times_s = np.arange(0, end_s, 1 / rate_hz)
    return pd.DataFrame({"source": source, "time_s": times_s, "track": 0, "valence": times_s})


def stimuli(*onsets_s: float, recording: str = "a.mp4", **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"recording": recording, "onset_s": onsets_s, "name": "smile"} | columns)


def test_an_epoch_is_the_mean_around_each_step_less_the_baseline() -> None:
    made = epochs(readings(), stimuli(10, 20.03), before_s=1, after_s=2, step_s=0.2)
    assert made.times_s == pytest.approx(np.arange(-1, 2.01, 0.2))
    # A line stays a line: its baseline's mean is at -0.6, and rows are at most half a frame off.
    assert made.values == pytest.approx(np.tile(made.times_s + 0.6, (2, 1)), abs=0.021)
    assert made.events["baseline"].to_numpy() == pytest.approx([9.4, 19.43], abs=0.021)
    assert list(made.events["kept"]) == [True, True]
    bare = epochs(readings(), stimuli(10), baseline_s=None)
    assert bare.values[0, 0] == pytest.approx(9, abs=0.021)
    assert bare.events["baseline"].isna().all()


def test_the_grid_holds_means_and_bridges_short_gaps_only() -> None:
    times_s = np.array([0.0, 0.04, 0.08, 0.3, 0.9])
    course = Course(times_s, np.array([1.0, 2.0, 3.0, 5.0, 9.0]), 0.9)
    values = on_grid(course, np.array([0.0]), np.array([0.0, 0.1, 0.2, 0.3, 0.6, 1.0]))
    assert values[0, [0, 1, 3]] == pytest.approx([1.5, 3.0, 5.0])  # means of what lies in each step
    assert values[0, 2] == pytest.approx(3 + 2 * 0.12 / 0.22)  # 0.22 s without a reading: a line
    assert np.isnan(values[0, [4, 5]]).all()  # 0.6 s are no line, and nothing comes after the end


def test_epochs_with_little_face_are_rejected_and_counted() -> None:
    table = readings()
    away = table["time_s"].between(11, 14) | table["time_s"].between(29.2, 29.9)
    made = epochs(table[~away], stimuli(10, 20, 30, 59.5, 70))
    assert list(made.events["rejected"]) == [
        "too little face", "", "baseline not read", "too little face", "outside the recording"
    ]  # fmt: skip
    about = made.as_dict()
    assert about["kept"] == 1
    assert about["rejected"] == {
        "too little face": 2, "baseline not read": 1, "outside the recording": 1
    }  # fmt: skip
    assert set(made.frame["epoch"]) == {2}
    assert any(
        "1 of 5 stimuli begin outside their recording, the first at 70 s of a.mp4" in each
        for each in made.notes
    )
    assert epochs(table[~away], stimuli(10, 20), least_face=0.3).kept == 2


def test_stimuli_in_another_s_epoch_are_told_or_rejected() -> None:
    made = epochs(readings(), stimuli(10, 14, 30))
    assert made.kept == 3
    assert made.notes == ("in 1 of 3 epochs another stimulus begins or lasts; --alone rejects these",)
    alone = epochs(readings(), stimuli(10, 14, 30, duration_s=3.5), alone=True)
    assert list(alone.events["rejected"]) == ["another stimulus in it"] * 2 + [""]


def test_the_face_that_is_read_most_goes_on_under_a_new_number() -> None:
    table = readings()
    table["track"] = np.where(table["time_s"] < 30, 1, 4)
    other = readings(end_s=15).assign(track=2, valence=-5.0)
    mixed = pd.concat([other, table])
    alone = epochs(table, stimuli(10, 40))
    assert np.array_equal(epochs(mixed, stimuli(10, 40)).values, alone.values)


def test_people_count_once_in_the_mean() -> None:
    table = pd.concat([readings("a.mp4"), readings("b.mp4").assign(valence=0.0)])
    shown = pd.concat([stimuli(10, 20, 30), stimuli(10, recording="b.mp4")])
    means = epochs(table, shown).means()
    last = means.iloc[-1]
    assert (last["people"], last["epochs"]) == (2, 4)
    assert last["mean"] == pytest.approx(5.5 / 2, abs=0.03)
    assert means["low"].iloc[-1] < 0 < means["high"].iloc[-1]


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    shown = stimuli(10, 20, 70, condition=["01", "02", "01"], person="007", group="x")
    made = epochs(readings(), shown)
    files = made.save(tmp_path / "out")
    assert {each.name for each in files} == {
        "epochs.json", "events.csv", "epochs.csv", "means.csv", "means.pdf", "means.svg", "means.png"
    }  # fmt: skip
    again = read_epochs(tmp_path / "out")
    assert np.array_equal(again.times_s, made.times_s)
    assert np.array_equal(again.values[:2], made.values[:2])
    pd.testing.assert_frame_equal(again.events, made.events, check_dtype=False)
    assert again.as_dict() == made.as_dict()
    (tmp_path / "out" / "epochs.csv").write_text("value\n1\n2\n")
    with pytest.raises(SourceError, match=r"can't be read: .*; make them again"):
        read_epochs(tmp_path / "out")


def test_tables_are_read_as_people_have_them(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    readings("a.mp4").to_csv(folder / "a.csv", index=False)
    readings("b.mp4").drop(columns="source").to_parquet(folder / "b.parquet")
    # BIDS' names, tabs, and a recording without its suffix
    bids = pd.DataFrame({"recording": ["a", "b"], "onset": [10, 20], "duration": [2, 2],
                         "trial_type": ["01", "02"]})  # fmt: skip
    bids.to_csv(folder / "events.tsv", sep="\t", index=False)
    made = epochs(folder, folder / "events.tsv")
    assert list(made.events["recording"]) == ["a.mp4", "b"]
    assert list(made.events["condition"]) == ["01", "02"]
    assert list(made.events["name"]) == ["01", "02"]
    assert list(made.events["duration_s"]) == [2, 2]
    readings().to_csv(tmp_path / "points.csv", sep=";", index=False)  # semicolons, and decimal points
    assert epochs(tmp_path / "points.csv", stimuli(10)).kept == 1
    # A spreadsheet's semicolons and decimal commas
    (tmp_path / "s.csv").write_text("recording;onset_s;name\na;10,5;smile\n", encoding="utf-16")
    assert list(epochs(folder, tmp_path / "s.csv").events["onset_s"]) == [10.5]


def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    made = epochs(readings(), stimuli(10, 20, condition=["=cmd()", "plain"]), after_s=1)
    made.save(tmp_path, pictures=False)
    for name in ("events.csv", "epochs.csv", "means.csv"):
        text = (tmp_path / name).read_text()
        assert "'=cmd()" in text
        assert ",=cmd()" not in text
    assert list(read_epochs(tmp_path).events["condition"]) == ["=cmd()", "plain"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recording,name\na.mp4,x\n", "s.csv has no column onset_s: it has recording, name"),
        ("recording,onset_s\na.mp4,3\n", "s.csv has no column name"),
        ("recording,onset_s,name\n", "s.csv holds no stimuli"),
        ("recording,onset_s,name\na.mp4,3,x\na.mp4,soon,y\n", "row 3: onset_s expected a number of seconds,"
         " received 'soon'"),
        ("recording,onset_s,name\na.mp4,,x\n", "row 2: onset_s expected a number"),
        ("recording,onset_s,name\na.mp4,inf,x\n", "row 2: onset_s expected a number"),
        ("recording,onset_s,name,duration_s\na.mp4,3,x,-1\n", "row 2: duration_s expected a number"),
        ("recording,onset_s,name\na.mp4,3,\n", "row 2: name is empty"),
        ("recording,onset_s,name\nc.mp4,3,x\n", "c.mp4 is not among the 2 recordings: a.mp4, b.mp4"),
        ("recording,onset_s,name\na.mp4,3,x\na.mp4,3,x\n", "x at 3 s of a.mp4 stands twice"),
        ("recording,onset_s,name,person,group\na.mp4,3,x,p,1\nb.mp4,3,x,p,2\n",
         "person p is in several groups: 1, 2"),
        ("recording,onset_s,name,person\na.mp4,3,x,p\na.mp4,9,x,q\n", "recording a.mp4 is of several people"),
        ("recording,onset_s,name\na.mp4,300,x\n", "no epoch is left of 1 stimulus: 1 outside the recording;"
         " the first begins at 300 s of a.mp4, which is read up to 19.9"),
        ("recording,onset_s,name,group\na.mp4,3,x,1\nb.mp4,3,x,\n",
         "row 3: group is empty, and other rows have one"),
        ("", "s.csv: it is empty"),
    ],
)  # fmt: skip
def test_stimuli_that_cannot_be_used_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    table = pd.concat([readings("a.mp4", 20), readings("b.mp4", 20)])
    with pytest.raises(SourceError) as told:
        epochs(table, tmp_path / "s.csv")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_tables_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("time_s,valence\n1,good\n")
    (tmp_path / "none.csv").write_text("time_s,valence\n")
    (tmp_path / "word.csv").write_text("time_s,valence\n1,0.5\n2,\n3,good\n")
    (tmp_path / "latin.csv").write_bytes("time_s,valence,Größe\n1,0.5,1\n".encode("latin-1"))
    (tmp_path / "huge.csv").write_text("time_s,valence\n1,0.5\n2,1e200\n")
    (tmp_path / "empty").mkdir()
    cases = {
        "words.csv": "valence holds no numbers",
        "word.csv": "word.csv, row 4: valence expected a number, received 'good'",
        "latin.csv": r"latin.csv: it is not UTF-8 text; save a spreadsheet",
        "none.csv": "none.csv holds no readings",
        "huge.csv": "valence is 1e\\+200, too large to be a reading",
        "gone.csv": "cannot read the table",
        "empty": "holds no table with the columns time_s and valence",
        "film.mp4": "expected a table",
    }
    for name, words in cases.items():
        with pytest.raises(SourceError, match=words):
            epochs(tmp_path / name, stimuli(3))
    with pytest.raises(SourceError, match="table has no column joy: it has source"):
        epochs(readings(), stimuli(3), measure="joy")
    readings("a.mp4").to_csv(tmp_path / "empty" / "one.csv")
    readings("a.mp4").to_csv(tmp_path / "empty" / "two.csv")
    with pytest.raises(SourceError, match=r"a\.mp4 is in several tables, also in two\.csv"):
        epochs(tmp_path / "empty", stimuli(3))


@pytest.mark.parametrize(
    "given",
    [
        {"before_s": -1}, {"after_s": 0}, {"step_s": 0}, {"step_s": 9}, {"least_face": 2}, {"step_s": 1e-6},
        {"baseline_s": (0, 0)}, {"baseline_s": (-2, 0)}, {"baseline_s": (1, -1)}, {"after_s": float("nan")},
    ],
)  # fmt: skip
def test_times_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        epochs(readings(), stimuli(3), **given)  # type: ignore[arg-type]
