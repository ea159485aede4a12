"""`mien simulate`, `mien usual`, `mien changes`: from nothing to what has changed, by commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import Run


@pytest.fixture
def simulated(run: Run) -> Run:
    ran = run("simulate", "SIM-1", "--weeks", "8", "--minutes", "3", "--missing", "0", "--flat-week", "7",
              "--flat-size", "5", "--store", "record.sqlite")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert "56 simulated recordings of 8 weeks" in ran.out
    return run


def test_a_baseline_stands_until_it_is_taken_anew(simulated: Run) -> None:
    shown = simulated("usual", "SIM-1", "--store", "record.sqlite")
    assert "42 usable days" in shown.out
    assert "as it was taken" in shown.out
    assert "Expressivity" in shown.out
    first = shown.out.split(" to ")[0]
    tried = simulated("usual", "SIM-1", "--from", first, "--store", "record.sqlite")
    assert "56 usable days" in tried.out
    assert "not taken; --take does that" in tried.out
    assert "42 usable days" in simulated("usual", "SIM-1", "--store", "record.sqlite").out
    kept = json.loads(simulated("usual", "SIM-1", "--json", "--store", "record.sqlite").out)
    assert (kept["how"], kept["days"], kept["start"]) == ("kept", 42, first)
    assert kept["measures"]["expressivity"]["sd"] > 0
    taken = simulated("usual", "SIM-1", "--take", "--store", "record.sqlite")
    assert "56 usable days" in taken.out
    assert "56 usable days" in simulated("usual", "SIM-1", "--store", "record.sqlite").out


def test_changes_are_told_once_the_interval_of_false_alarms_is_chosen(simulated: Run) -> None:
    silent = simulated("changes", "SIM-1", "--store", "record.sqlite")
    assert "less expressive" not in silent.out
    told = simulated("changes", "SIM-1", "--false-alarm-days", "365", "--store", "record.sqlite")
    assert "less expressive than usual since" in told.out
    assert told.out.startswith("chosen for the whole record, all subjects: a false alarm may come about once")
    as_json = simulated("changes", "SIM-1", "--json", "--store", "record.sqlite")
    assert any(each["kind"] == "change" and each["size_sd"] < 0 for each in json.loads(as_json.out))
    points = ("changes", "SIM-1", "--points", "expressivity", "--store", "record.sqlite")
    back = json.loads(simulated(*points, "--json").out)
    assert back["changed"] > 0.9
    assert f"since {back['since']}" in simulated(*points).out
    often = simulated("changes", "SIM-1", "--false-alarm-days", "3", "--store", "record.sqlite")
    assert (often.code, often.err.count("\n")) == (2, 1)
    assert "at least 30" in often.err


def test_without_a_finding_nothing_is_called_unchanged(run: Run) -> None:
    store = ("--store", "record.sqlite")
    run("simulate", "SIM-1", "--weeks", "7", "--minutes", "3", "--missing", "0", *store)
    told = run("changes", "SIM-1", "--false-alarm-days", "3650", *store)
    assert told.out.splitlines()[1:] == [
        "No change could be told from chance (a false alarm about once in 3650 days)."
        " This does not say that nothing has changed."
    ]
    chosen = run("changes", "SIM-1", "--false-alarm-days", "0", "--json", *store)
    assert [each["kind"] for each in json.loads(chosen.out)] == ["not_ready"]
    assert chosen.err == "chosen for the whole record, all subjects: no changes are told\n"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--flat-week", "30"), "--flat-week: expected one of 12 weeks, received 30"),
        (("--dark-week", "13"), "--dark-week: expected one of 12 weeks, received 13"),
        (("--weeks", "1000000"), "'--weeks': expected a number less than or equal to 520"),
    ],
)
def test_weeks_that_are_not_there_are_refused(run: Run, options: tuple[str, str], named: str) -> None:
    ran = run("simulate", "SIM-1", *options, "--store", "record.sqlite")
    assert (ran.code, ran.out, len(ran.errors)) == (2, "", 1)
    assert named in ran.errors[0]
    assert not Path("record.sqlite").exists()


def test_a_code_that_is_there_already_is_refused(simulated: Run) -> None:
    again = simulated("simulate", "SIM-1", "--weeks", "1", "--store", "record.sqlite")
    assert again.code == 1
    assert "SIM-1" in again.err


def test_a_subject_that_is_not_there_is_named(run: Run) -> None:
    for command in ("usual", "changes"):
        ran = run(command, "P-9", "--store", "record.sqlite")
        assert ran.code == 1
        assert ran.err.count("\n") == 1
