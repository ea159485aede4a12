"""`mien analyze --neutral` and `mien usual --neutral`, as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.store.store import Store
from mien.table import read_table


@pytest.fixture(scope="module")
def videos(shared: Path) -> Path:
    return shared / "data" / "video"


def test_the_command_resumes_and_prints_json(run: Run, videos: Path) -> None:
    film = videos / "single_face.mp4"
    ran = run("analyze", film, "--every", "4", "--neutral", "first:1s", "--json", "--no-plot")
    assert ran.code == 0
    told = json.loads(ran.out)["recordings"][0]["neutral"]
    assert (told["asked"], told["from"]) == ("first:1s", "first")
    table = read_table(Path("mien-results/table.csv"))
    assert set(table["neutral"]) == {"first"}
    again = run("analyze", film, "--every", "4", "--neutral", "first:1s", "--json", "--no-plot", "--resume")
    assert json.loads(again.out)["recordings"][0]["neutral"] == told
    assert read_table(Path("mien-results/table.csv")).equals(table)
    other = run("analyze", film, "--every", "4", "--neutral", "off", "--no-plot", "--resume")
    assert other.code == 0
    assert "neutral" not in read_table(Path("mien-results/table.csv")).columns


@pytest.mark.parametrize("text", ["first:0s", "first:abc", "nowhere.jpg"])
def test_the_command_refuses_in_one_line(run: Run, portrait_path: Path, text: str) -> None:
    ran = run("analyze", portrait_path, "--neutral", text)
    assert ran.code == 2
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith("neutral: expected")


def test_a_subjects_neutral_face_is_kept_and_read_by(run: Run, portrait_path: Path, tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    with Store(where) as store:
        subject = store.subjects.add("P-017")
    refused = run("usual", "P-017", "--neutral", portrait_path, "--store", where)
    assert (refused.code, "no consent" in refused.errors[0]) == (1, True)
    with Store(where) as store:
        # The photograph is as old as its file, whenever that was unpacked.
        store.consents.give(
            subject, given_by="herself", purpose="to see", given_at=datetime(1975, 1, 1, tzinfo=UTC)
        )
    told = run("usual", "P-017", "--neutral", portrait_path, "--store", where)
    assert (told.code, "is now P-017's own neutral face" in told.out) == (0, True)
    read = run("analyze", portrait_path, "--subject", "P-017", "--store", where, "--json")
    assert read.code == 0, read.err
    assert json.loads(read.out)["recordings"][0]["neutral"]["readings"] == {"baseline": 1}
    assert read_table(Path("mien-results/table.csv"))["neutral"].tolist() == ["baseline"]
    off = run(
        "analyze",
        portrait_path,
        "--subject",
        "P-017",
        "--store",
        where,
        "--json",
        "--neutral",
        "off",
        "--again",
    )
    assert "neutral" not in json.loads(off.out)["recordings"][0]
