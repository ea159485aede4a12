from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.record.report.pdf import pages
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
