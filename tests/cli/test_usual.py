"""`mien simulate`, `mien usual`, `mien changes`: from nothing to what has changed, by commands alone."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.cli import main


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of somebody whose face moves less in the seventh week, made once."""
    store = tmp_path_factory.mktemp("made") / "record.sqlite"
    assert main(["simulate", "SIM-1", "--weeks", "8", "--minutes", "3", "--missing", "0", "--flat-week", "7",
                 "--flat-size", "5", "--store", str(store)]) == 0  # fmt: skip
    return store


@pytest.fixture
def simulated(run: Run, made: Path) -> Run:
    shutil.copy(made, "record.sqlite")
    return run


@pytest.mark.exhaustive
def test_a_baseline_stands_until_it_is_taken_anew(simulated: Run) -> None:
    shown = simulated("usual", "SIM-1", "--store", "record.sqlite")
    assert "42 usable days" in shown.out
    assert "(taken)" in shown.out
    assert "Expressivity" in shown.out
    first = shown.out.split(" to ")[0]
    tried = simulated("usual", "SIM-1", "--from", first, "--store", "record.sqlite")
    assert "56 usable days" in tried.out
    assert "not yet taken; use --take" in tried.out
    assert "42 usable days" in simulated("usual", "SIM-1", "--store", "record.sqlite").out
    kept = json.loads(simulated("usual", "SIM-1", "--json", "--store", "record.sqlite").out)
    assert (kept["how"], kept["days"], kept["start"]) == ("kept", 42, first)
    assert kept["measures"]["expressivity"]["sd"] > 0
    taken = simulated("usual", "SIM-1", "--take", "--store", "record.sqlite")
    assert "56 usable days" in taken.out
    assert "56 usable days" in simulated("usual", "SIM-1", "--store", "record.sqlite").out


def test_changes_are_told_once_the_interval_of_false_alarms_is_chosen(simulated: Run) -> None:
    silent = simulated("changes", "SIM-1", "--store", "record.sqlite")
    assert "moved less" not in silent.out
    told = simulated("changes", "SIM-1", "--false-alarm-days", "365", "--store", "record.sqlite")
    assert "The face has moved less than it usually does" in told.out
    assert told.out.endswith("By chance alone, a change is reported about once in 365 days.\n")
    assert told.out.startswith("chosen for all subjects in the record: a false alarm is accepted about once")
    as_json = simulated("changes", "SIM-1", "--json", "--store", "record.sqlite")
    assert any(each["kind"] == "change" and each["size_sd"] < 0 for each in json.loads(as_json.out))
    points = ("changes", "SIM-1", "--points", "expressivity", "--store", "record.sqlite")
    back = json.loads(simulated(*points, "--json").out)
    assert back["changed"] > 0.9
    assert f"since {back['since']}" in simulated(*points).out
    often = simulated("changes", "SIM-1", "--false-alarm-days", "3", "--store", "record.sqlite")
    assert (often.code, often.err.count("\n")) == (2, 1)
    assert "at least 30" in often.err


@pytest.mark.exhaustive
def test_without_a_finding_nothing_is_called_unchanged(run: Run) -> None:
    store = ("--store", "record.sqlite")
    ran = run("simulate", "SIM-1", "--weeks", "7", "--minutes", "3", "--missing", "0", *store)
    assert (ran.code, ran.err) == (0, "")
    assert "49 simulated recordings of 7 weeks" in ran.out
    told = run("changes", "SIM-1", "--false-alarm-days", "3650", *store)
    assert told.out.splitlines()[1:] == [
        "No change could be told apart from chance (a false alarm about once in 3650 days)."
        " This does not mean that nothing has changed."
    ]
    chosen = run("changes", "SIM-1", "--false-alarm-days", "0", "--json", *store)
    assert [each["kind"] for each in json.loads(chosen.out)] == ["not_ready"]
    assert chosen.err == "chosen for all subjects in the record: no changes are reported\n"


@pytest.mark.exhaustive
def test_what_the_readme_says_of_a_made_up_person_is_what_its_commands_show(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command about SIM-1 in the README, as it stands there, one after the other."""
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "readme.sqlite"))
    text = (Path(__file__).parents[2] / "README.md").read_text()
    lines = re.findall(r"`mien (\w+ SIM-1[^`]*)`", text)
    assert [each.split()[0] for each in lines] == ["simulate", "changes", "report"]
    ran = [run(*each.split()) for each in lines]
    assert [each.code for each in ran] == [0, 0, 0], [each.err for each in ran]
    week = int(lines[0].split("--flat-week ")[1].split()[0])
    told = json.loads(run("changes", "SIM-1", "--json").out)
    (change,) = [each for each in told if each["kind"] == "change"]
    begun = date.today() - timedelta(weeks=12) + timedelta(weeks=week - 1)
    assert abs((date.fromisoformat(change["since"]) - begun).days) <= 3
    assert abs((date.fromisoformat(change["over"]) - begun).days - 21) <= 3
    assert change["text"].startswith("The face moved less than it usually does")
    assert change["plain"] in ran[1].out
    assert ran[1].out.endswith("By chance alone, a change is reported about once in 365 days.\n")


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
