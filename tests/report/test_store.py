"""From the store to the file, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from mien.errors import ConfigError, OutputError
from mien.mood.baseline import Baseline, NotReady
from mien.mood.change.conditions import days_apart
from mien.report import content, save_report
from mien.report.material import gather
from mien.report.pdf import pages
from mien.store.store import Store
from mien.store.types import SIGNALS
from mien.subject_record import SubjectRecord
from record.people import NOW, START, body, fill, record
from store_fixtures import FakeClock, add_agreed

ASIA = timezone(timedelta(hours=9))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def test_everything_in_the_period_is_gathered(store: Store) -> None:
    subject = fill(store)
    found = gather(store, subject, zone=UTC)
    assert (found.code, found.start, found.end) == ("P-017", date(2026, 5, 1), date(2026, 5, 5))
    assert list(found.days.index) == [date(2026, 5, 3), date(2026, 5, 4), date(2026, 5, 5)]
    assert [each.state for each in found.recordings] == ["finished", "finished", "interrupted"]
    assert len(found.reports) == 4
    assert {each.kind for each in found.annotations} == {"medication", "prompt", "speaking"}
    assert found.made_at == store.now()
    assert set(found.texts) == {"phq9_safety", "report_footer"}


@pytest.mark.exhaustive
def test_what_sensors_said_is_gathered_where_it_is_shown(store: Store) -> None:
    subject = fill(store)
    day = date(2026, 5, 3)
    alone = gather(store, subject, start=day, end=day, zone=UTC)
    assert [(len(each.figures), each.length_s) for each in alone.bodies] == [
        (28, alone.recordings[0].length_s)
    ]
    # In a short report of several recordings there is no room for a course.
    assert (gather(store, subject, zone=UTC).bodies, gather(store, subject, zone=UTC).more_bodies) == ((), 0)
    assert len(gather(store, subject, zone=UTC, charts=True).bodies) == 1
    later = date(2026, 5, 5)
    assert gather(store, subject, start=later, end=later, zone=UTC, charts=True).bodies == []


def test_the_newest_bodies_are_shown_and_the_others_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = add_agreed(store, "P-1")
    store.consents.give(subject, given_by="them", purpose="x", signals=SIGNALS, given_at=START)
    for hour in range(4):
        record(store, subject, START + timedelta(hours=hour), 20, sensed=body(hour + 1) if hour != 1 else ())
    monkeypatch.setattr("mien.report.material.MOST_BODIES", 2)
    found = gather(store, subject, zone=UTC, charts=True)
    assert [each.started_at for each in found.bodies] == [START + timedelta(hours=hour) for hour in (2, 3)]
    assert found.more_bodies == 1


@pytest.mark.exhaustive
def test_a_report_of_one_session_shows_its_body(store: Store, tmp_path: Path) -> None:
    subject = fill(store)
    day = date(2026, 5, 3)
    said = content(store, subject, start=day, end=day)
    assert said.body is not None
    page = save_report(store, subject, tmp_path / "x.html", start=day, end=day).read_text(encoding="utf-8")
    assert "Body signals" in page
    pdf = save_report(store, subject, tmp_path / "x.pdf", start=day, end=day).read_bytes()
    assert pages(pdf) == 1


def test_days_are_those_of_the_chosen_zone(store: Store) -> None:
    subject = add_agreed(store, "P-1")
    store.self_reports.add(subject, "mood", total=5, at=datetime(2026, 5, 3, 22, 0, tzinfo=UTC))
    assert gather(store, subject, zone=UTC).end == date(2026, 5, 3)
    assert gather(store, subject, zone=ASIA).end == date(2026, 5, 4)


def test_what_lies_outside_the_period_is_left_out(store: Store) -> None:
    subject = fill(store)
    found = gather(store, subject, start=date(2026, 5, 4), end=date(2026, 5, 4), zone=UTC)
    assert list(found.days.index) == [date(2026, 5, 4)]
    assert (len(found.recordings), found.reports, found.annotations) == (1, [], [])
    store.annotations.add(
        subject,
        "medication",
        "lithium",
        at=datetime(2026, 5, 1, tzinfo=UTC),
        until=datetime(2026, 6, 1, tzinfo=UTC),
    )
    again = gather(store, subject, start=date(2026, 5, 4), end=date(2026, 5, 4), zone=UTC)
    assert [each.text for each in again.annotations] == ["lithium"]


def test_the_safety_text_is_the_clinics_own(store: Store) -> None:
    subject = fill(store)
    store.texts.set("phq9_safety", "Ward 3, day and night.")
    assert content(store, subject, zone=UTC).safety == "Ward 3, day and night."
    assert content(store, subject, end=date(2026, 5, 2), zone=UTC).safety == ""


@pytest.mark.parametrize(
    ("name", "long"), [("report.pdf", False), ("report.PDF", True), ("report.html", True)]
)
def test_a_report_is_written_whole_and_stands_in_the_audit_log(
    store: Store, clock: FakeClock, tmp_path: Path, name: str, long: bool
) -> None:
    subject = fill(store)
    path = save_report(store, subject, tmp_path / "out" / name, long=long)
    assert path.exists()
    assert [each.name for each in path.parent.iterdir()] == [name]
    if path.suffix == ".html":
        assert "two lines, " in path.read_text(encoding="utf-8")
    else:
        assert (pages(path.read_bytes()) > 1) == long
    last = store.audit.entries()[-1]
    assert (last.action, last.subject) == ("read", subject.number)
    assert last.details == {"by": "report", "kind": "long" if long else "short", "form": name[7:].lower()}


def test_a_subject_without_anything(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.add("P-2")
    page = save_report(store, subject, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "There is no recording in this period" in page


def test_another_suffix_is_refused_before_anything_is_read(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.add("P-2")
    lines = store.audit.verify()
    with pytest.raises(OutputError, match=r"\.pdf or \.html"):
        save_report(store, subject, tmp_path / "report.docx")
    assert store.audit.verify() == lines


def test_a_period_that_ends_before_it_starts_writes_nothing(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.add("P-2")
    with pytest.raises(ConfigError):
        save_report(store, subject, tmp_path / "r.pdf", start=date(2026, 5, 2), end=date(2026, 5, 1))
    assert not (tmp_path / "r.pdf").exists()


def test_days_filmed_otherwise_are_apart() -> None:
    index = [date(2026, 5, 1) + timedelta(each) for each in range(60)]
    light = [0.95 + 0.01 * (each % 3) for each in range(50)] + [0.3] * 10
    table = pd.DataFrame({"usable_minutes": 9.0, "light_mean": light}, index=index)
    usual = Baseline.of(table, end=index[39])
    assert days_apart(table, usual) == dict.fromkeys(index[50:], "other light")
    assert days_apart(table, NotReady("too few", 0, 0.0)) == {}


def test_python_tells_the_safety_text_of_partial_answers_too(store: Store) -> None:
    record = SubjectRecord(store, add_agreed(store, "P-1"))
    store.self_reports.add(record.subject, "phq9", items=[0] * 9)
    store.self_reports.add(record.subject, "phq9", total=20)
    assert record.safety_text() is None
    store.self_reports.add(record.subject, "PHQ-9", items=[None] * 8 + [1])
    assert record.safety_text() == store.texts.get("phq9_safety")
    assert len(record.self_reports("PHQ_9")) == 3


def test_days_with_another_camera_or_too_little_are_apart_and_say_why() -> None:
    index = [date(2026, 5, 1) + timedelta(each) for each in range(60)]
    table = pd.DataFrame({"usable_minutes": 9.0, "camera": "desk"}, index=index)
    table.loc[index[3], "usable_minutes"] = 0.4
    table.loc[index[45], "camera"] = "hall"
    table.loc[index[50], ["camera", "usable_minutes"]] = ["hall", 1.9]
    usual = Baseline.of(table, end=index[39])
    little = "too little of it could be read"
    assert days_apart(table, usual) == {index[3]: little, index[45]: "another camera", index[50]: little}
    assert days_apart(table, NotReady("too few", 0, 0.0)) == {index[3]: little, index[50]: little}


def test_days_of_another_network_are_apart_before_the_baseline_too() -> None:
    index = [date(2026, 5, 1) + timedelta(each) for each in range(30)]
    table = pd.DataFrame({"usable_minutes": 9.0, "network": ["old"] * 3 + ["new"] * 27}, index=index)
    usual = Baseline.of(table)
    assert days_apart(table, usual) == dict.fromkeys(index[:3], "another network")
