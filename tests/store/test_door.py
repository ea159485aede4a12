"""The one door into the record: nothing without a consent that held then, and every row bound to the log."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from filled_store import add_recording
from mien.errors import ConsentError, MissingError
from mien.record.finalize import finalize, load_series
from mien.store.schema import Base, SegmentRow, SubjectKeyRow
from mien.store.store import Store
from mien.store.types import Event, SelfReport, Subject
from store_fixtures import FakeClock, add_agreed
from store_series import readings

DAY = timedelta(days=1)
Write = Callable[[Store, Subject, datetime], object]


def begin(store: Store, subject: Subject, at: datetime, kind: Any = "video") -> int:
    """Begin a recording."""
    return store.recordings.start(
        subject, kind=kind, source="a", started_at=at, models={}, settings={}, version="1"
    ).id


WRITES: dict[str, Write] = {
    "recording": begin,
    "self-report": lambda store, who, at: store.self_reports.add(who, "mood", total=5, at=at),
    "medication": lambda store, who, at: store.annotations.add(who, "medication", "x", at=at),
    "note": lambda store, who, at: store.annotations.add(who, "note", "x", at=at),
    "self-report put back": lambda store, who, at: store.self_reports.restore(
        who, SelfReport(0, 0, at, "PHQ-9", None, 5, "", None, None, None)
    ),
    "baseline": lambda store, who, at: store.baselines.add(who, "{}", at),
    "neutral face": lambda store, who, at: store.neutral_faces.add(who, "{}", at),
}
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


def agree(store: Store, subject: Subject, at: datetime, **options: Any) -> int:
    """Let a subject agree."""
    return store.consents.give(subject, given_by="x", purpose="y", given_at=at, **options).id


def whole(store: Store) -> None:
    """Make sure that the record is as its log says."""
    found = store.check()
    assert (found.altered, found.without_consent) == ([], [])


@each_write
def test_nothing_is_stored_without_a_consent(store: Store, clock: FakeClock, write: Write) -> None:
    subject = store.subjects.add("P-017")
    with pytest.raises(ConsentError, match=r"P-017 has no consent.*: mien consent give P-017"):
        write(store, subject, clock())
    whole(store)


@each_write
def test_a_consent_counts_for_when_it_was_recorded(store: Store, clock: FakeClock, write: Write) -> None:
    subject = store.subjects.add("P-017")
    given = clock()
    agree(store, subject, given, valid_until=given + 10 * DAY)
    clock.advance(days=5)
    early = r"valid on 2019-05-01 .*\(it begins on 2026-05-04 .*\): mien consent give P-017 .*--from TIME"
    with pytest.raises(ConsentError, match=early):
        write(store, subject, datetime(2019, 5, 1, 12, tzinfo=UTC))
    with pytest.raises(ConsentError, match=r"2027-05-01 .* is in the future"):
        write(store, subject, datetime(2027, 5, 1, 12, tzinfo=UTC))
    write(store, subject, given)
    write(store, subject, clock())
    # Once it has ended by itself, what was recorded before may still come in.
    clock.advance(days=10)
    write(store, subject, given + 9 * DAY)
    with pytest.raises(ConsentError, match="it ended on"):
        write(store, subject, clock())
    whole(store)


@each_write
def test_nothing_is_stored_after_a_withdrawal(store: Store, clock: FakeClock, write: Write) -> None:
    subject = store.subjects.add("P-017")
    given = clock()
    agree(store, subject, given)
    clock.advance(days=2)
    store.consents.withdraw(subject)
    clock.advance(days=1)
    for at in (given + DAY, clock()):
        with pytest.raises(ConsentError, match="it was withdrawn on 2026-05-06"):
            write(store, subject, at)
    # Who agrees again agrees to what comes, and what was kept all along may be brought back.
    agree(store, subject, clock())
    write(store, subject, given + DAY)
    write(store, subject, clock())
    with pytest.raises(ConsentError, match="it was withdrawn on"):
        write(store, subject, given + 2 * DAY + timedelta(hours=1))
    whole(store)


def test_readings_need_a_consent_for_their_own_moments(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-017")
    start = clock()
    agree(store, subject, start, signals=["expression"], valid_until=start + timedelta(seconds=60))
    clock.advance(days=1)
    recording = begin(store, subject, start)
    measured = readings(100)
    plain = {name: values for name, values in measured.items() if name != "measures"}
    with pytest.raises(ConsentError, match="no consent for measures"):
        store.readings.append(recording, measured)
    store.readings.append(recording, plain)
    beyond = {name: values[-50:] for name, values in readings(1000).items() if name != "measures"}
    with pytest.raises(ConsentError, match="no consent for expression"):
        store.readings.append(recording, beyond)
    store.consents.withdraw(subject, agree(store, subject, clock(), signals=["expression"]))
    with pytest.raises(ConsentError, match="withdrawn"):
        store.readings.append(recording, {name: v[-1:] for name, v in readings(400).items() if name in plain})
    assert len(store.readings.load(recording)["time_s"]) == 100
    whole(store)


def test_what_is_said_may_be_of_earlier_that_day(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-017")
    midnight = clock().astimezone().replace(hour=0, minute=0)
    clock.time = midnight + timedelta(hours=10)
    agree(store, subject, clock())
    for write in (WRITES["medication"], WRITES["self-report"]):
        write(store, subject, midnight)
        with pytest.raises(ConsentError, match="it begins on"):
            write(store, subject, midnight - timedelta(minutes=1))
    with pytest.raises(ConsentError, match="it begins on"):
        begin(store, subject, midnight + timedelta(hours=9))
    whole(store)


def test_a_consent_to_measures_alone_records_no_expression(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-017")
    agree(store, subject, clock(), signals=["measures"])
    with pytest.raises(ConsentError, match="no consent for expression"):
        begin(store, subject, clock())
    store.self_reports.add(subject, "mood", total=5)


def full(store: Store, code: str = "P-017") -> tuple[Subject, int]:
    """Add a subject who has something of everything, written by the store; and a user and a text."""
    subject = add_agreed(store, code)
    recording = begin(store, subject, store.now())
    store.readings.append(recording, readings(2500))
    store.readings.append(recording, {name: each[-50:] for name, each in readings(2600).items()})
    store.readings.add_events(recording, [Event("smile", "", 1.0, 1.5, 2.0, 0.9)])
    store.recordings.finish(recording, finalized=False)
    store.annotations.add(subject, "medication", "sertraline 50 mg", at=store.now())
    store.annotations.add(
        subject, "prompt", "film", at=store.now(), recording_id=recording, data={"valence": -0.0}
    )
    store.self_reports.add(subject, "phq9", items=[0, 1, 2, 3, 0, 1, 2, 3, 1], note="\u00e4 \U0001f600")
    store.baselines.add(subject, '{"a": 1.5}')
    store.neutral_faces.add(subject, '{"network": "a"}')
    store.texts.set("crisis", "call")
    return subject, recording


def test_what_mien_writes_is_as_the_log_says(store: Store, clock: FakeClock) -> None:
    subject, recording = full(store)
    whole(store)
    finalize(store, recording, lambda series: [])
    whole(store)
    report = store.self_reports.of(subject)[0]
    mark = store.annotations.of(subject)[0]
    store.self_reports.remove(subject, report.id)
    store.annotations.remove(subject, mark.id)
    store.subjects.change("P-017", notes="other", code="P-018")
    store.texts.set("crisis", "call again")
    store.users.add("anna", "1234567890", "admin")
    store.users.add("self", "1234567890", "self", store.subjects.get("P-018"))
    store.users.set_password("self", "0987654321")
    whole(store)
    other = begin(store, store.subjects.get("P-018"), clock(), "camera")
    store.readings.append(other, readings(30))
    whole(store)
    clock.advance(minutes=5)
    (interrupted,) = store.recordings.recover()
    assert interrupted.id == other
    whole(store)
    store.readings.append(other, {name: each[-10:] for name, each in readings(60).items()})
    store.recordings.replace(recording, other)
    whole(store)
    store.users.remove("self")
    store.remove_recording(store.subjects.get("P-018"), other)
    store.consents.withdraw(store.subjects.get("P-018"))
    whole(store)
    add_agreed(store, "P-019")
    store.erase(store.subjects.get("P-018"))
    whole(store)


def test_retention_is_in_the_log_too(store: Store, clock: FakeClock) -> None:
    subject, recording = full(store)
    store.subjects.change("P-017", retention_days=1)
    clock.advance(days=3)
    assert store.enforce_retention() == {"P-017": 1}
    line = store.audit.entries()[-1]
    assert line.action == "retention"
    assert {f"recordings/{recording}", f"segments/{recording}/0", f"events/{recording}"} <= set(
        line.details["rows"]
    )
    assert [each.text for each in store.annotations.of(subject)] == ["sertraline 50 mg"]
    whole(store)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("UPDATE self_reports SET total = 1", "P-017: self-report 1 was altered by another program"),
        ("UPDATE self_reports SET items = '[0]'", "P-017: self-report 1 was altered by another program"),
        ("UPDATE self_reports SET difficulty = 3", "P-017: self-report 1 was altered by another program"),
        ("DELETE FROM self_reports", "P-017: self-report 1 was removed by another program"),
        (
            "INSERT INTO self_reports (id, subject_id, at, scale, items, total, note)"
            " SELECT 9, subject_id, at, scale, items, total, note FROM self_reports",
            "P-017: self-report 9 was added by another program",
        ),
        ("UPDATE annotations SET text = 'x' WHERE id = 1", "P-017: mark 1 was altered by another program"),
        ("UPDATE annotations SET at = '2020-01-01 00:00:00'", "P-017: mark 2 was altered by another program"),
        ("DELETE FROM annotations WHERE id = 2", "P-017: mark 2 was removed by another program"),
        ("UPDATE consents SET purpose = 'more'", "P-017: consent 1 was altered by another program"),
        ("UPDATE baselines SET value = '{}'", "P-017: baseline 1 was altered by another program"),
        ("UPDATE neutral_faces SET value = '{}'", "P-017: neutral face 1 was altered by another program"),
        ("DELETE FROM neutral_faces", "P-017: neutral face 1 was removed by another program"),
        ("UPDATE recordings SET coverage = 1", "P-017: recording 1 was altered by another program"),
        ("UPDATE segments SET rows = 3", "P-017: readings of recording 1 were altered by another program"),
        ("DELETE FROM segments", "P-017: readings of recording 1 were removed by another program"),
        ("DELETE FROM events", "P-017: events of recording 1 were removed by another program"),
        ("UPDATE events SET peak = 0.1", "P-017: events of recording 1 were altered by another program"),
        (
            "UPDATE chunks SET end_s = 300",
            "P-017: newest readings of recording 1 were altered by another program",
        ),
        ("DELETE FROM chunks", "P-017: newest readings of recording 1 were altered by another program"),
        ("UPDATE subjects SET notes = 'x'", "P-017: subject 1 was altered by another program"),
        ("DELETE FROM subject_keys", "P-017: the key of the seals was removed by another program"),
        ("UPDATE texts SET value = '\"x\"'", "text crisis was altered by another program"),
        ("DELETE FROM texts", "text crisis was removed by another program"),
    ],
)  # fmt: skip
def test_what_another_program_changes_is_found(store: Store, command: str, said: str) -> None:
    full(store)
    whole(store)
    with store.transaction() as session:
        session.execute(text(command))
    assert said in store.check().altered


def test_a_subject_that_was_taken_out_is_found(store: Store) -> None:
    subject = add_agreed(store)
    with store.transaction() as session:
        session.execute(text("DELETE FROM subjects"))
    assert store.check().altered == [
        f"the subject with the number {subject.number} was removed by another program"
    ]


def test_a_change_by_mien_does_not_hide_one_by_another_program(store: Store) -> None:
    subject = add_agreed(store)
    report = store.self_reports.add(subject, "mood", total=5)
    for command in ("UPDATE self_reports SET total = 1", "UPDATE subjects SET notes = 'x'"):
        with store.transaction() as session:
            session.execute(text(command))
    store.self_reports.remove(subject, report.id)
    store.subjects.change("P-017", notes="y")
    assert [each.partition(" (")[0] for each in store.check().altered] == [
        "self-report 1 was altered by another program before Mien changed it",
        "subject 1 was altered by another program before Mien changed it",
    ]


def test_packing_does_not_hide_that_chunks_were_altered(store: Store, clock: FakeClock) -> None:
    recording = begin(store, add_agreed(store), clock(), "camera")
    for second in range(3):
        rows = slice(10 * second, 10 * second + 10)
        store.readings.append(recording, {name: each[rows] for name, each in readings(30).items()})
    with store.transaction() as session:
        session.execute(text("DELETE FROM chunks WHERE number = 1"))
    store.readings.pack(recording)
    (said,) = store.check().altered
    assert said.startswith("newest readings of recording 1 were altered by another program before")


def test_a_seal_is_the_hash_that_the_documents_describe(store: Store, clock: FakeClock) -> None:
    subject = add_agreed(store)
    report = store.self_reports.add(subject, "gad7", items=[1] * 7, note="caf\u00e9")
    line = store.audit.entries()[-1]
    with store.reading() as session:
        key = session.scalars(select(SubjectKeyRow.key)).one()
    content = {
        "at": clock().isoformat(), "id": report.id, "items": [1] * 7, "note": "caf\u00e9", "scale": "gad7",
        "subject_id": subject.id, "table": "self_reports", "total": 7.0,
    }  # fmt: skip
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    expected = hmac.new(bytes.fromhex(key), canonical.encode(), hashlib.sha256).hexdigest()
    assert line.details == {
        "what": "self-report", "number": report.id, "rows": {f"self_reports/{report.id}": [None, expected]},
    }  # fmt: skip
    assert (line.action, line.subject) == ("add", subject.number)


def test_the_key_goes_with_the_subject(store: Store) -> None:
    subject = add_agreed(store)
    store.self_reports.add(subject, "mood", total=5)
    store.erase(subject)
    with store.reading() as session:
        assert session.scalars(select(SubjectKeyRow)).all() == []
    whole(store)


def test_every_writing_has_its_line(store: Store, clock: FakeClock) -> None:
    subject, recording = full(store)
    store.readings.pack(recording)
    store.self_reports.remove(subject, 1)
    store.annotations.remove(subject, 1)
    store.remove_recording(subject, recording)
    store.consents.withdraw(subject)
    lines = [
        (each.action, each.details.get("what"))
        for each in store.audit.entries()
        if each.subject == subject.number
    ]
    assert lines == [
        ("add", "subject"), ("consent", None),
        ("add", "recording"), ("add", "readings"), ("add", "events"), ("change", "recording"),
        ("add", "mark"), ("add", "mark"), ("add", "self-report"), ("add", "baseline"),
        ("add", "neutral face"), ("add", "readings"), ("remove", "self-report"), ("remove", "mark"),
        ("remove", "recording"),
        ("withdraw", None),
    ]  # fmt: skip


READS: dict[str, Callable[[Store, Subject, int], object]] = {
    "consents": lambda store, who, recording: store.consents.of(who),
    "self-reports": lambda store, who, recording: store.self_reports.of(who),
    "marks": lambda store, who, recording: store.annotations.of(who),
    "recordings": lambda store, who, recording: store.recordings.of(who),
    "readings": lambda store, who, recording: load_series(store, recording),
    "baselines": lambda store, who, recording: store.baselines.latest(who),
    "neutral faces": lambda store, who, recording: store.neutral_faces.latest(who),
    "figures": lambda store, who, recording: store.figures.of(who, "day:"),
}


@pytest.mark.parametrize("what", READS)
def test_every_reading_has_its_line(store: Store, clock: FakeClock, what: str) -> None:
    subject, recording = full(store)
    before = store.audit.verify()
    READS[what](store, subject, recording)
    READS[what](store.by("anna"), subject, recording)
    clock.advance(minutes=9)
    READS[what](store, subject, recording)  # who reads on
    clock.advance(minutes=2)
    READS[what](store, subject, recording)
    lines = store.audit.entries()[before:]
    assert [(each.who, each.action, each.subject) for each in lines] == [
        (who, "read", subject.number) for who in ("tester", "anna", "tester")
    ]
    expected = {"what": [what]} | ({"recordings": [recording]} if what == "readings" else {})
    assert [each.details for each in lines] == [expected] * 3


def test_what_is_read_together_has_one_line(store: Store) -> None:
    subject, recording = full(store)
    other = add_agreed(store, "P-018")
    before = store.audit.verify()
    with store.reading():
        for each in (subject, other):
            store.self_reports.of(each)
            store.consents.of(each)
        store.readings.load(recording)
    lines = store.audit.entries()[before:]
    assert [(each.subject, each.details["what"]) for each in lines] == [
        (subject.number, ["consents", "readings", "self-reports"]),
        (other.number, ["consents", "self-reports"]),
    ]


def test_the_programs_own_work_is_no_reading(store: Store) -> None:
    subject, recording = full(store)
    before = store.audit.verify()
    finalize(store, recording, lambda series: [])
    assert "read" not in {each.action for each in store.audit.entries()[before:]}
    with store.audit.unlogged():
        store.self_reports.of(subject)
    assert "read" not in {each.action for each in store.audit.entries()[before:]}


def mistype(store: Store, subject: Subject) -> int:
    """Put back a self-report that an earlier Mien kept under a name that is none."""
    report = SelfReport(0, 0, store.now(), "phq8", None, 12.0, "", None, None, None)
    return store.self_reports.restore(subject, report).id


def test_a_repair_is_in_the_log_and_bound(store: Store) -> None:
    subject = add_agreed(store)
    number = mistype(store, subject)
    store.self_reports.repair(subject, number, "phq8", limits=(0, 24))
    line = store.audit.entries()[-1]
    told = {name: line.details[name] for name in ("what", "number", "was", "scale")}
    assert (line.action, line.subject) == ("repair", subject.number)
    assert told == {"what": "self-report", "number": number, "was": "phq8", "scale": "phq8"}
    whole(store)
    lines = store.audit.verify()
    store.self_reports.repair(subject, number, "phq8", limits=(0, 24))  # nothing changes
    assert store.audit.verify() == lines
    with store.transaction() as session:
        session.execute(text("UPDATE self_reports SET lowest = 5"))
    assert store.check().altered == [f"P-017: self-report {number} was altered by another program"]


def test_looking_for_mistyped_names_is_a_reading_but_not_on_opening(
    store: Store, store_url: str, clock: FakeClock
) -> None:
    subject = add_agreed(store)
    mistype(store, subject)
    store.self_reports.add(add_agreed(store, "P-018"), "mood", total=5)
    lines = store.audit.verify()
    with Store(store_url, who="anna", now=clock) as opened:
        assert opened.audit.verify() == lines
        opened.self_reports.mistyped()
        (line,) = opened.audit.entries()[lines:]
    assert (line.who, line.action, line.subject) == ("anna", "read", subject.number)
    assert line.details == {"what": ["self-reports"]}


def test_only_the_subjects_own_can_be_removed(store: Store) -> None:
    subject, recording = full(store)
    other = add_agreed(store, "P-018")
    with pytest.raises(MissingError, match="P-018 has no self-report 1: mien self-report list P-018"):
        store.self_reports.remove(other, 1)
    with pytest.raises(MissingError, match="P-018 has no note 1: mien note list P-018"):
        store.annotations.remove(other, 1)
    with pytest.raises(MissingError, match="P-018 has no recording 1: mien recording list P-018"):
        store.remove_recording(other, recording)
    with pytest.raises(MissingError, match="P-017 has no recording 99"):
        store.remove_recording(subject, 99)
    whole(store)


def test_one_wrong_recording_can_be_erased(store: Store, clock: FakeClock) -> None:
    subject, wrong = full(store)
    clock.advance(hours=1)
    right = begin(store, subject, clock())
    store.readings.append(right, readings(20))
    gone = store.remove_recording(subject, wrong)
    assert gone.id == wrong
    assert [each.id for each in store.recordings.of(subject)] == [right]
    with store.reading() as session:
        assert {each.recording_id for each in session.scalars(select(SegmentRow))} == set()
    assert [each.text for each in store.annotations.of(subject)] == ["sertraline 50 mg"]
    line = next(each for each in reversed(store.audit.entries()) if each.action == "remove")
    assert (line.details["what"], line.details["number"], line.subject) == (
        "recording",
        wrong,
        subject.number,
    )
    whole(store)


def test_its_traces_go_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with Store(path) as store:
        subject = add_agreed(store)
        recording = begin(store, subject, store.now())
        mark = "sertraline-4711"
        store.annotations.add(subject, "medication", mark, at=store.now(), recording_id=recording)
        store.remove_recording(subject, recording)
        for name in ("", "-wal"):
            assert mark.encode() not in Path(f"{path}{name}").read_bytes()


def test_what_an_older_mien_stored_without_a_consent_is_told_and_stays(
    store: Store, clock: FakeClock
) -> None:
    subject = store.subjects.add("P-017")
    with store.transaction() as session:
        tables = Base.metadata.tables
        session.execute(
            tables["self_reports"].insert().values(
                id=4, subject_id=subject.id, at=clock(), scale="mood", total=3.0, note=""
            )
        )  # fmt: skip
    add_recording(store, subject, clock(), "1" * 32)
    agree(store, subject, clock() + DAY)
    assert store.check().without_consent == [
        "P-017: no consent was valid when recordings 1 were recorded",
        "P-017: no consent was valid when self-reports 4 were recorded",
        "P-017: no consent was valid for heart in recording 1",
    ]
    assert len(store.self_reports.of(subject)) == 1


def test_a_store_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with Store(path) as store:
        subject = add_agreed(store)
        store.self_reports.add(subject, "mood", total=5)
    with Store(path) as store:
        store.database.read_only = True
        lines = store.audit.verify()
        assert len(store.self_reports.of(subject)) == 1
        assert store.audit.verify() == lines


def test_a_refused_writing_leaves_nothing(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-017")
    lines = store.audit.verify()

    def write() -> None:
        with store.transaction():
            agree(store, subject, clock())
            store.self_reports.add(subject, "mood", total=5, at=clock() - DAY)

    with pytest.raises(ConsentError):
        write()
    assert store.audit.verify() == lines
    assert store.consents.of(subject) == []
    whole(store)


def test_it_is_the_same_in_an_encrypted_file(tmp_path: Path) -> None:
    pytest.importorskip("sqlcipher3")
    with Store(tmp_path / "record.sqlite", key="a secret") as store:
        full(store)
        whole(store)
        with store.transaction() as session:
            session.execute(text("UPDATE self_reports SET total = 1"))
        assert store.check().altered == ["P-017: self-report 1 was altered by another program"]
        with pytest.raises(ConsentError):
            store.self_reports.add(store.subjects.add("P-018"), "mood", total=5)
