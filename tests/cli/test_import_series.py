"""`mien import-series`: a diary, watched by the charts."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from cli.helpers import Run
from record.diaries import written


def test_the_command_tells_and_draws_and_stores_nothing(run: Run, tmp_path: Path) -> None:
    diary, picture = written(tmp_path / "diary.csv", form="%d/%m/%y"), tmp_path / "diary.svg"
    ran = run("import-series", str(diary), "--date-format", "%d/%m/%y", "--picture", str(picture),
              "--mark", "2026-03-06=bad news")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert "Mood has been lower than usual since about" in ran.out
    assert "365 days" in ran.out
    assert "bad news" in picture.read_text()
    told = json.loads(run("import-series", str(diary), "--date-format", "%d/%m/%y", "--json").out)
    assert (told["days"], set(told["alarms"])) == (120, {"mood", "sleep"})
    assert not list(tmp_path.glob("*.sqlite"))


@pytest.mark.parametrize(
    "wrong", [("--mark", "soon=bad"), ("--picture", "diary.docx"), ("--false-alarm-days", "3")]
)
def test_wrong_options_are_named(run: Run, tmp_path: Path, wrong: tuple[str, str]) -> None:
    ran = run("import-series", str(written(tmp_path / "diary.csv")), *wrong)
    assert (ran.code, ran.err.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", ["$\\\\frac{1}{$", "$x$", "<script>alert(1)</script>", "a & b"])
def test_names_in_the_picture_are_texts(run: Run, tmp_path: Path, name: str) -> None:
    """A formula that was broken ended the command; one that was whole was set as a formula."""
    diary, picture = written(tmp_path / "diary.csv"), tmp_path / "diary.svg"
    text = diary.read_text().replace("mood", name, 1)
    (tmp_path / f"{name.replace('/', '')}.csv").write_text(text)
    ran = run("import-series", str(tmp_path / f"{name.replace('/', '')}.csv"), "--picture", str(picture),
              "--mark", f"2026-03-06={name}")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    drawn = picture.read_text()
    assert drawn.count(escape(name)) >= 2
    assert "<script" not in drawn
