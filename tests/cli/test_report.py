from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.report import content
from mien.report.fit import Room
from mien.report.pdf import _files, pages
from mien.store.store import Store
from store_fixtures import add_agreed


@pytest.fixture
def where(tmp_path: Path) -> Path:
    path = tmp_path / "record.sqlite"
    with Store(path, who="tester") as store:
        subject = add_agreed(store)
        store.self_reports.add(subject, "phq9", items=[1, 1, 1, 1, 1, 1, 1, 1, 1])
        store.annotations.add(subject, "note", "rain", at=datetime(2026, 5, 2, 12, tzinfo=UTC))
    return path


def test_a_report_lies_in_the_working_folder(run: Run, where: Path) -> None:
    ran = run("report", "P-017", "--store", where)
    assert (ran.code, ran.out, ran.err) == (0, "P-017-report.pdf\n", "")
    assert pages(Path("P-017-report.pdf").read_bytes()) == 1


def test_html_long_and_of_a_period(run: Run, where: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report.html"
    ran = run(
        "report",
        "P-017",
        "--from",
        "2026-05-01",
        "--to",
        "2026-05-03",
        "--long",
        "--out",
        out,
        "--store",
        where,
    )
    assert ran.code == 0
    assert "1 May to 3 May 2026 (3 days)" in out.read_text(encoding="utf-8")
    with Store(where) as store:
        assert store.audit.entries()[-1].details == {"by": "report", "kind": "long", "form": "html"}


def test_response_is_counted_from_a_chosen_starting_point(run: Run, where: Path, tmp_path: Path) -> None:
    with Store(where) as store:
        subject = store.subjects.get("P-017")
        for day, total in ((1, 12), (15, 20), (29, 10)):
            store.self_reports.add(subject, "phq9", total=total, at=datetime(2026, 5, day, 12, tzinfo=UTC))
    out = tmp_path / "report.html"
    period = ["--from", "2026-05-01", "--to", "2026-05-30", "--out", out, "--store", where]
    assert run("report", "P-017", *period).code == 0
    assert "12 on 1 May 2026 (the first in this period)" in out.read_text("utf-8")
    assert run("report", "P-017", *period, "--starting-point", "2026-05-10").code == 0
    told = out.read_text("utf-8")
    assert "20 on 15 May 2026 (as chosen), to 10 on 29 May 2026: 10 points or 50 % less" in told
    assert "Response (a fall by half or more): yes" in told
    wrong = run("report", "P-017", *period, "--starting-point", "2030-01-01")
    assert (wrong.code, len(wrong.errors)) == (2, 1)


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_partial_answers_bring_their_safety_text(run: Run, tmp_path: Path, form: str) -> None:
    where = tmp_path / "record.sqlite"
    with Store(where, who="tester") as store:
        store.texts.set("phq9_safety", "Call 555-0199 now.")
        subject = add_agreed(store)
        store.self_reports.add(subject, "Phq_9", items=[None] * 8 + [1], at=datetime(2026, 5, 2, tzinfo=UTC))
        said = content(store, store.subjects.get("P-017"))
    assert said.safety == "Call 555-0199 now."
    assert run("report", "P-017", "--out", tmp_path / f"a.{form}", "--store", where).code == 0
    if form == "html":
        assert "Call 555-0199 now." in (tmp_path / "a.html").read_text("utf-8")
    else:
        # what stands in the PDF is laid out from these files, in which nothing of the box is cut
        (files,) = {_files(said, Room(0, 70, 0, 40, 1, 3))["content.json"]}
        assert b"Call 555-0199 now." in files


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["P-018"], 1, "P-018"),
        (["P-017", "--out", "report.docx"], 1, ".docx"),
        (["P-017", "--from", "2026-05-02", "--to", "2026-05-01"], 2, "2026-05-02"),
        (["P-017", "--from", "yesterday"], 2, "yesterday"),
        (["P-017", "--from", "2030-01-01"], 1, "nothing is in the record from 2030-01-01"),
    ],
)
def test_wrong_use_is_one_line(run: Run, where: Path, arguments: list[str], code: int, named: str) -> None:
    ran = run("report", *arguments, "--store", where)
    assert (ran.code, ran.out, len(ran.errors)) == (code, "", 1)
    assert named in ran.errors[0]
    assert not list(Path.cwd().iterdir())
