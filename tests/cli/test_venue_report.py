"""`mien simulate venue`, `mien venue report`, `compare`, `export`: from nothing to a report, by commands."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.cli import main

STORE = ("--store", "record.sqlite")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record with a simulated cafe, made once."""
    store = tmp_path_factory.mktemp("made") / "record.sqlite"
    assert main(["simulate", "venue", "cafe", "--weeks", "4", "--store", str(store)]) == 0
    return store


@pytest.fixture
def simulated(run: Run, made: Path) -> Run:
    shutil.copy(made, "record.sqlite")
    return run


def test_a_venue_is_simulated(run: Run) -> None:
    ran = run("simulate", "venue", "cafe", "--weeks", "1", *STORE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("cafe: ")
    assert "simulated visits from" in ran.out


def test_a_simulated_venue_is_reported_compared_and_exported(simulated: Run) -> None:
    shown = simulated("venue", "compare", "cafe", *STORE)
    assert shown.code == 0
    assert "visits with a smile: " in shown.out
    assert "new menu (" in shown.out
    assert "needs 10 days before and after it" in shown.out
    told = json.loads(simulated("venue", "compare", "cafe", "--json", *STORE).out)
    assert [each["measure"] for each in told["usual"]][:2] == ["smiling", "valence"]
    wrote = simulated("venue", "report", "cafe", "--span", "day", "--out", "day.html", *STORE)
    assert (wrote.code, wrote.out) == (0, "day.html\n")
    assert "Simulated venue" in Path("day.html").read_text(encoding="utf-8")
    table = simulated("venue", "export", "cafe", "--by", "week", *STORE)
    assert table.out.startswith("cafe.csv: 4 rows, ")
    with Path("cafe.csv").open(encoding="utf-8", newline="") as file:
        assert all(int(row["visits"]) > 100 for row in csv.DictReader(file))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("venue", "report", "bar"), "there is no venue bar"),
        (("venue", "report", "cafe", "--out", "a.docx"), "expected a name in .pdf or .html"),
        (("venue", "export", "cafe", "--out", "a.xlsx"), "expected a name in .csv or .parquet"),
        (("venue", "export", "cafe", "--station", "door"), "door"),
        (("venue", "export", "cafe", "--epsilon", "99"), "epsilon: expected 0.01 to 10, received 99"),
        (
            ("venue", "export", "cafe", "--by", "hour", "--epsilon", "1"),
            "by day or week, received one by hour",
        ),
        (("simulate", "venue", "cafe"), "there is a venue cafe already"),
        (("simulate", "venue", "No Name"), "small letters, digits and hyphens"),
    ],
)
def test_what_can_t_be_is_answered_on_one_line(
    simulated: Run, arguments: tuple[str, ...], named: str
) -> None:
    ran = simulated(*arguments, *STORE)
    assert ran.code != 0
    assert ran.out == ""
    assert len(ran.errors) == 1
    assert named in ran.errors[0]


@pytest.mark.exhaustive
def test_a_person_needs_no_word_more_than_before(run: Run) -> None:
    short = run("simulate", "SIM-1", "--weeks", "1", "--minutes", "1", *STORE)
    assert short.code == 0
    long = run("simulate", "person", "SIM-2", "--weeks", "1", "--minutes", "1", *STORE)
    assert long.code == 0
