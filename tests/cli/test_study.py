"""`mien study` and `mien simulate study`: what is written, said and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import needs
from cli.helpers import Run
from study.marked import marked_record

needs.package("statsmodels")


@pytest.mark.exhaustive
def test_the_way_of_the_how_to(run: Run) -> None:
    ran = run("simulate", "study", "made-study", "--people", 12, "--trials", 4, "--strength", 2)
    assert ran.code == 0
    assert "Next: mien study epochs made-study/readings.csv" in ran.out
    ran = run("study", "epochs", "made-study/readings.csv", "--stimuli", "made-study/stimuli.csv",
              "--out", "study", "--before", 0.5, "--baseline", "-0.5:0")  # fmt: skip
    assert ran.code == 0
    assert "of 144 epochs kept, of 12 people" in ran.out
    assert "controls, pleasant" in ran.out
    assert "note: simulated: a program made these people up" in ran.out
    long = pd.read_csv("study/epochs.csv")
    assert list(long) == [
        "epoch", "recording", "person", "group", "condition", "name", "onset_s", "time_s", "value"
    ]  # fmt: skip
    assert long["time_s"].min() == -0.5
    ran = run("study", "compare", "study", "--window", "0.5:3", "--rounds", 200)
    assert ran.code == 0
    for words in (
        "mixed model, people's intercepts and slopes as random effects",
        "pleasant - neutral",
        "condition, together",
        "over time, by clusters",
        "above from 0.",
        "5 comparisons over time",
    ):
        assert words in ran.out
    ran = run("study", "compare", "study", "--condition", "pleasant", "--condition", "neutral", "--json",
              "--out", "two", "--rounds", 200)  # fmt: skip
    about = json.loads(ran.out)
    assert about["conditions"] == ["neutral", "pleasant"]
    assert about["model"]["effects"][0]["name"] == "pleasant - neutral"
    assert {Path(each).name for each in about["files"]} >= {"compare.json", "compare.pdf"}
    assert json.loads(Path("two/compare.json").read_text())["seed"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["epochs", "r.csv", "--stimuli", "gone.csv"], 1, "cannot read the table gone.csv"),
        (["epochs", "r.csv"], 2, "--stimuli"),
        (["epochs", "r.csv", "--stimuli", "s.csv", "--baseline", "before"], 2, "expected FROM:TO"),
        (["epochs", "r.csv", "--stimuli", "s.csv", "--measure", "joy"], 1, "r.csv has no column joy"),
        (["epochs", "r.csv", "--stimuli", "s.csv", "--after", -1], 2, "expected a time before"),
        (["epochs", "r.csv", "--stimuli", "s.csv", "--out", "r.csv"], 1, "is a file; choose another"),
        (["compare", "gone"], 1, "gone holds no epochs"),
        (["compare", "one"], 1, "too few people: 1 with epochs"),
        (["compare", "one", "--window", "1"], 2, "--window: expected FROM:TO"),
    ],
)
def test_what_cannot_be_studied_is_one_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    times = [each / 10 for each in range(200)]
    pd.DataFrame({"recording": "a", "time_s": times, "valence": 0.1}).to_csv("r.csv", index=False)
    Path("s.csv").write_text("recording,onset_s,name\na,5,x\na,12,y\n")
    if arguments[:2] == ["compare", "one"]:
        assert run("study", "epochs", "r.csv", "--stimuli", "s.csv", "--out", "one").code == 0
    ran = run("study", *arguments)
    assert ran.code == code
    assert len(ran.errors) == 1
    assert words in ran.errors[0]


@pytest.mark.exhaustive
def test_marks_of_a_record_are_written(run: Run, tmp_path: Path) -> None:
    record = marked_record(tmp_path / "record.sqlite")
    ran = run("study", "marks", "--store", record, "--subject", "SIM-1", "--out", "marks")
    assert ran.code == 0
    assert "3 marks in 2 recordings: marks/marks.csv, marks/readings.parquet" in ran.out
    assert list(pd.read_csv("marks/marks.csv")) == [
        "recording", "onset_s", "duration_s", "name", "person", "source", "simulated"
    ]  # fmt: skip
    ran = run("study", "epochs", "marks/readings.parquet", "--stimuli", "marks/marks.csv", "--json")
    assert json.loads(ran.out)["stimuli"] == 3
    ran = run("study", "marks", "--store", record, "--subject", "P-999")
    assert (ran.code, len(ran.errors)) == (1, 1)
