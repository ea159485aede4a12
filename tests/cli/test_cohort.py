"""`mien cohort` and `mien simulate cohort`: what is written, said and refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import needs
from cli.helpers import Run
from mien.videos.cohort import report

needs.package("sklearn")


def test_a_simulated_cohort_has_its_truth_beside_it(run: Run) -> None:
    ran = run("simulate", "cohort", "made.csv", "--people", 30, "--strength", 0)
    assert ran.code == 0
    assert "mien cohort made.csv --label remission" in ran.out
    assert json.loads(Path("made.json").read_text())["best_area"] == 0.5
    first = Path("made.csv").read_text()
    run("simulate", "cohort", "made.csv", "--people", 30, "--strength", 0)
    assert Path("made.csv").read_text() == first


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["made.csv", "--label", "remission"], 1, "has too few people: 12 with remission yes and 18 with no"),
        (["made.csv", "--label", "relapse"], 2, "made.csv has no column relapse"),
        (["made.csv"], 2, "--label"),
        (["gone.csv", "--label", "remission"], 1, "gone.csv: there is no such file or folder"),
        (["gone.parquet", "--label", "remission"], 1, "gone.parquet: there is no such file or folder"),
        (["gone", "--label", "remission"], 1, "gone: there is no such file or folder"),
        (
            ["made.csv", "--label", "x", "--labels", "gone.csv"],
            1,
            "gone.csv: there is no such file or folder",
        ),
        (["sheet.xlsx", "--label", "x"], 1, "sheet.xlsx: expected a table (.csv, .tsv, .parquet), a folder"),
        (["empty.csv", "--label", "remission"], 1, "cannot read the table empty.csv"),
        (["made.csv", "--label", "remission", "--measure", "site"], 2, "the measure site holds no numbers"),
        (["made.csv", "--label", "remission", "--measure", "remission"], 2, "remission is the label"),
        (["made.csv", "--label", "remission", "--by", "remission"], 2, "remission is the label"),
        (["made.csv", "--label", "subject"], 2, "subject is the label"),
        (
            ["made.csv", "--label", "remission", "--measure", "subject"],
            2,
            "subject says whose a recording is",
        ),
        (
            ["made.csv", "--label", "remission", "--positive", "yes", "--negative", "yes"],
            2,
            "expected two values, received 'yes' twice",
        ),
        (["made.csv", "--label", "remission", "--out", "old"], 1, "is there already"),
    ],
)
def test_what_cannot_be_studied_is_one_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    run("simulate", "cohort", "made.csv", "--people", 30)
    Path("empty.csv").write_text("")
    Path("sheet.xlsx").write_bytes(b"PK")
    Path("old").mkdir()
    Path("old/cohort.json").write_text("{}")
    ran = run("cohort", *arguments)
    assert ran.code == code
    assert len(ran.errors) == 1
    assert words in ran.errors[0]


@pytest.mark.exhaustive
def test_a_study_is_printed_and_written(run: Run) -> None:
    run("simulate", "cohort", "made.csv", "--people", 80, "--seed", 3)
    ran = run("cohort", "made.csv", "--label", "remission", "--by", "age", "--rounds", 100, "--out", "study")
    assert ran.code == 0
    for words in (
        "simulated: a program made",
        "AUC alone",
        "happiness_mean",
        "answered   right",
        "age below",
    ):
        assert words in ran.out
    told = json.loads(Path("study/cohort.json").read_text())
    assert told["models"][0]["area"]["low"] > 0.5
    assert told["findings"]
    assert Path("study/cohort.html").stat().st_size > 5000
    assert Path("study/cohort.pdf").read_bytes().startswith(b"%PDF")
    again = run("cohort", "made.csv", "--label", "remission", "--by", "age", "--rounds", 100, "--json")
    assert json.loads(again.out)["models"] == told["models"]


def test_a_single_missing_value_is_counted_and_no_share_of_nought(run: Run) -> None:
    run("simulate", "cohort", "made.csv", "--people", 120)
    frame = pd.read_csv("made.csv")
    measure = frame.columns[-1]
    assert frame[measure].dtype == float
    lone = ~frame["subject"].duplicated(keep=False)  # whose only recording lacks it
    frame.loc[frame.index[lone][0], measure] = np.nan
    frame.to_csv("made.csv", index=False)
    ran = run("cohort", "made.csv", "--label", "remission", "--measure", measure, "--rounds", 100)
    assert ran.code == 0, ran.err
    assert "1 value of 120 is missing" in ran.out


def test_a_missing_extra_is_called_as_people_know_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    run("simulate", "cohort", "made.csv", "--people", 60)
    ran = run("cohort", "made.csv", "--label", "remission", "--rounds", 100)
    assert ran.code == 1
    assert ran.errors[0].startswith("this needs scikit-learn: ")


def test_without_typst_the_page_is_there_as_html(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    run("simulate", "cohort", "made.csv", "--people", 60)
    ran = run(
        "cohort", "made.csv", "--label", "remission", "--measure", "happiness_mean", "--rounds", 100,
        "--out", "study",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert sorted(each.name for each in Path("study").iterdir()) == ["cohort.html", "cohort.json"]
    assert "note: for cohort.pdf, too, install the typst package" in ran.err


@pytest.mark.parametrize(
    ("command", "files", "told"),
    [
        (["cohort", "mine.csv"], ["mine.csv"], "mine.csv"),
        (["cohort", "mine.csv"], ["mine.json"], "mine.json"),
        (["study", "made"], ["made/stimuli.csv"], "stimuli.csv"),
        (["body", "--out", "mine.edf"], ["mine.edf"], "mine.edf"),
    ],
)
def test_a_simulation_replaces_nothing_but_a_simulation(
    run: Run, command: list[str], files: list[str], told: str
) -> None:
    for each in map(Path, files):
        each.parent.mkdir(exist_ok=True)
        each.write_text("[1]")
    ran = run("simulate", *command)
    assert ran.code != 0
    assert f"{told} is there already, and was not simulated" in ran.err
    assert {each: Path(each).read_text() for each in files} == dict.fromkeys(files, "[1]")
