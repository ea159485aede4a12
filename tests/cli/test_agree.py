"""`mien agree`: what is said, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agreement import written
from cli.helpers import Run

LABELS = ["happiness", "neutral", "anger", "neutral"] * 30


@pytest.fixture
def files() -> None:
    """Three files in the working folder."""
    written.ours(Path("table.csv"), LABELS)
    written.fer_csv(Path("fer.csv"), ["happy", "neutral", "angry", "sad"] * 30)
    Path("rater.csv").write_text("time_s,end_s,label\n0,12,happy\n")


@pytest.mark.usefixtures("run", "files")
def test_a_comparison_is_said_and_written(run: Run) -> None:
    ran = run("agree", "table.csv", "fer.csv", "--out", "out")
    assert ran.code == 0
    for words in (
        "A: Mien (table.csv)\nB: fer (fer.csv)",
        "1 recording, 120 pairs of faces at the same time; 95 % intervals over 10 blocks of 1.19 s",
        "expression: kappa 0.6",
        "the same in 75.0 % of 120 pairs",
        "A down, B across",
        "ICC(2,1)",
        "p_happiness",
        "note: fer writes no row",
        "out/bland-altman.png",
    ):
        assert words in ran.out
    assert {each.name for each in Path("out").iterdir()} == {
        *("agreement.json", "agreement.csv", "confusion.png", "bland-altman.png")
    }


@pytest.mark.usefixtures("run", "files")
def test_biases_have_the_decimals_and_units_that_their_spread_calls_for(run: Run) -> None:
    for name, more in (("one.csv", (0, 0)), ("two.csv", (10, 30))):
        smiles = [37 * place % 400 + more[place % 2] for place in range(120)]
        written.openface(Path(name), [(i + 1, i / 10, 1, each) for i, each in enumerate(smiles)])
    ran = run("agree", "one.csv", "two.csv", "--out", "out")
    rows = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert rows["AU12_r"].split()[-4:] == ["-0.200", "-0.397", "to", "-0.003"]
    assert rows["yaw (degrees)"].count("not known") == 3
    # What was there of an earlier comparison goes with it.
    assert run("agree", "table.csv", "rater.csv", "--out", "out", "--overwrite").code == 0
    assert not Path("out/bland-altman.png").exists()


@pytest.mark.usefixtures("run", "files")
def test_frames_that_only_one_has_are_counted(run: Run) -> None:
    written.ours(Path("short.csv"), LABELS[:30])
    ran = run("agree", "table.csv", "short.csv")
    assert "frames with a face: 120 of A, 30 of B; 30 are in both, 25.0 % and 100.0 % of them" in ran.out
    (recording,) = json.loads(run("agree", "table.csv", "short.csv", "--json").out)["recordings"]
    assert [recording[name] for name in ("frames_a", "frames_b", "common_frames")] == [120, 30, 30]


@pytest.mark.usefixtures("run", "files")
def test_json_is_what_python_gives(run: Run) -> None:
    ran = run("agree", "table.csv", "rater.csv", "--json")
    told = json.loads(ran.out)
    assert told["labels"][0]["counts"] == [[0, 60, 0], [0, 30, 0], [0, 30, 0]]
    assert told["labels"][0]["kappa"]["value"] == 0
    assert told["numbers"] == []
    assert told["files"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["table.csv"], 2, "Missing argument 'B'"),
        (["table.csv", "gone.csv"], 1, "cannot read gone.csv: there is no such file"),
        (["table.csv", "empty"], 1, "empty has no table in it: expected a table of OpenFace"),
        (["table.csv", "diary.txt"], 1, "cannot read diary.txt: expected a table of OpenFace"),
        (["table.csv", "fer.csv", "--fps-a", "30"], 2, "table.csv has times of its own"),
        (["table.csv", "fer.csv", "--fps-b", "0"], 2, "rate_hz_b (--fps-b): expected a number above 0"),
        (["table.csv", "fer.csv", "--tolerance", "-1"], 2, "tolerance_s: expected a number above 0"),
        (["table.csv", "fer.csv", "--seed", "-1"], 2, "--seed"),
        (["table.csv", "fer.csv", "--out", "table.csv"], 1, "table.csv is a file"),
        (
            ["table.csv", "fer.csv", "--out", "old"],
            1,
            "is there already: choose another folder, or --overwrite",
        ),
        (["gone.csv", "fer.csv", "--out", "old", "--overwrite"], 1, "cannot read gone.csv"),
    ],
)
@pytest.mark.usefixtures("run", "files")
def test_what_cannot_be_compared_is_one_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    Path("diary.txt").write_text("Dear diary, I was happy.\n")
    Path("empty").mkdir()
    Path("old").mkdir()
    Path("old/agreement.json").write_text("{}")
    ran = run("agree", *arguments)
    assert ran.code == code
    assert len(ran.errors) == 1
    assert words in ran.errors[0]
    assert Path("old/agreement.json").read_text() == "{}"
