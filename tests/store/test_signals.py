"""What a body says, in the record: only what a consent names, sealed, erased, recovered."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mien.errors import ConsentError, StoreError
from mien.signals.types import Figure
from mien.store import signals as stored
from mien.store.codec import UnreadableError
from mien.store.recovery import salvage
from mien.store.schema import SignalRow
from mien.store.signals import signal_of
from mien.store.store import Store
from mien.store.types import BODY, FACE, SIGNALS, StoredRecording, Subject
from store_fixtures import FakeClock

NAMED = "Quittenbaum-Strap"
SERIES = (
    ("ECG", "heart_rate", "1/min"), ("ECG", "rmssd_ms", "ms"), ("wrist", "skin_level", "uS"),
    ("belt", "breathing_rate", "1/min"), ("zyg", "muscle_activity", "uV"), ("Cz", "eeg_alpha", "uV2"),
    ("wrist temperature", "skin_temperature", "degC"),
)  # fmt: skip


def window(number: int, *signals: str) -> list[Figure]:
    """Return the figures of one window, of these signals."""
    start = 10.0 * number
    return [
        Figure(start, start + 60, name, measure, unit, 60 + number / 7 + place, 0.9)
        for place, (name, measure, unit) in enumerate(SERIES)
        if signal_of(measure) in signals
    ]


def agreed(store: Store, *signals: str) -> Subject:
    """Add a subject who agreed to the face, and to these signals of the body."""
    subject = store.subjects.add("P-017")
    store.consents.give(subject, given_by="x", purpose="y", signals=[*FACE, *signals], given_at=store.now())
    return subject


def started(store: Store, subject: Subject) -> StoredRecording:
    return store.recordings.start(
        subject, kind="camera", source="camera:0", started_at=store.now(), models={}, settings={}, version="1"
    )


def rows(store: Store) -> tuple[int, int]:
    """Return how many rows are loose and how many are packed."""
    with store.reading() as session:
        packed = [each.packed for each in session.query(SignalRow)]
    return packed.count(False), packed.count(True)


def whole(store: Store) -> None:
    found = store.check()
    assert (found.altered, found.without_consent) == ([], [])


def test_added_packed_and_read_it_is_the_same(store: Store, clock: FakeClock) -> None:
    recording = started(store, agreed(store, *BODY))
    assert store.signals.of(recording.id) == ()
    clock.advance(hours=1)
    given = [figure for number in range(20) for figure in window(number, *BODY)]
    given[3] = replace(given[3], value=None, quality=0.123449)
    for number in range(0, len(given), 7):
        store.signals.add(recording.id, given[number : number + 7])
    kept = tuple(
        replace(
            each,
            value=None if each.value is None else float(f"{each.value:.6g}"),
            quality=round(each.quality, 4),
        )
        for each in given
    )
    assert rows(store) == (20 * 6, 0)
    for _ in range(3):
        assert sorted(store.signals.of(recording.id), key=str) == sorted(kept, key=str)
        assert [each.start_s for each in store.signals.of(recording.id)] == [each.start_s for each in kept]
        assert {each.measure for each in store.signals.of(recording.id, "heart")} == {
            "heart_rate",
            "rmssd_ms",
        }
        assert store.signals.kept(recording.id) == BODY
        whole(store)
        store.signals.pack(recording.id)
    assert rows(store) == (0, 6)
    store.signals.add(recording.id, window(20, "heart"))
    assert rows(store) == (1, 6)
    assert store.signals.of(recording.id, "heart")[-1] == replace(
        window(20, "heart")[1], value=float(f"{window(20, 'heart')[1].value:.6g}")
    )
    whole(store)


def test_much_at_once_is_packed_as_it_comes(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "FEW", 10)
    monkeypatch.setattr(stored, "MOST", 8)
    recording = started(store, agreed(store, "heart"))
    clock.advance(hours=1)
    given = [figure for number in range(10) for figure in window(number, "heart")]
    store.signals.add(recording.id, given)
    assert rows(store) == (0, 3)
    assert len(store.signals.of(recording.id)) == 20
    whole(store)


def test_it_takes_little_room(store: Store, clock: FakeClock) -> None:
    recording = started(store, agreed(store, *BODY))
    clock.advance(hours=2)
    given = [figure for number in range(360) for figure in window(number, *BODY)]
    store.signals.add(recording.id, given)
    assert store.signals.size_bytes(recording.id) < 8 * len(given)


def test_a_new_consent_names_the_face_alone(store: Store) -> None:
    subject = store.subjects.add("P-017")
    assert store.consents.give(subject, given_by="x", purpose="y").signals == ("expression", "measures")
    assert store.consents.give(subject, given_by="x", purpose="y", signals=SIGNALS).signals == SIGNALS


@pytest.mark.parametrize("signal", BODY)
def test_what_the_consent_does_not_name_is_not_kept(
    store: Store, clock: FakeClock, signal: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    others = [each for each in BODY if each != signal]
    recording = started(store, agreed(store, *others))
    clock.advance(minutes=5)
    told = [replace(each, signal=NAMED, value=61.8033) for each in window(0, signal)]
    with pytest.raises(ConsentError, match=f"P-017 has no consent for {signal}: mien consent give P-017"):
        store.signals.add(recording.id, [*window(0, *others), *told])
    assert store.signals.of(recording.id) == ()
    store.signals.add(recording.id, window(0, *others))
    assert store.signals.kept(recording.id) == tuple(others)
    whole(store)
    assert NAMED not in caplog.text
    assert NAMED not in str([each.details for each in store.audit.entries()])


def test_a_consent_counts_for_when_it_was_recorded(store: Store, clock: FakeClock) -> None:
    subject = agreed(store)
    recording = started(store, subject)
    clock.advance(seconds=100)
    store.consents.give(subject, given_by="x", purpose="y", signals=["heart"], given_at=clock())
    clock.advance(minutes=5)
    with pytest.raises(ConsentError, match="P-017 has no consent for heart that was valid on"):
        store.signals.add(recording.id, window(9, "heart"))
    store.signals.add(recording.id, window(10, "heart"))
    clock.advance(minutes=1)
    store.consents.withdraw(subject)
    with pytest.raises(ConsentError, match=r"no consent for heart \(it was withdrawn"):
        store.signals.add(recording.id, window(11, "heart"))
    assert len(store.signals.of(recording.id)) == 2
    whole(store)


def test_only_an_open_recording_takes_more(store: Store, clock: FakeClock) -> None:
    recording = started(store, agreed(store, "heart"))
    store.recordings.finish(recording.id)
    clock.advance(minutes=5)
    with pytest.raises(StoreError, match="is finished: what a body says is added while it is open"):
        store.signals.add(recording.id, window(0, "heart"))
    with pytest.raises(StoreError, match="recording 99 is not in the store"):
        store.signals.of(99)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_s": -1.0}, {"end_s": 0.0}, {"end_s": float("nan")}, {"value": float("inf")}, {"quality": 1.5},
        {"measure": "blood_sugar"}, {"signal": "x" * 300}, {"signal": "a\0b"},
    ],
)  # fmt: skip
def test_what_is_no_figure_is_refused(store: Store, clock: FakeClock, wrong: dict[str, object]) -> None:
    recording = started(store, agreed(store, *BODY))
    clock.advance(minutes=5)
    (figure, _) = window(0, "heart")
    with pytest.raises(StoreError, match=r"signals:? "):
        store.signals.add(recording.id, [figure, replace(figure, **wrong)])  # type: ignore[arg-type]
    assert store.signals.of(recording.id) == ()


def alter(store: Store, how: str, packed: bool) -> None:
    """Change something by other means than Mien."""
    with store.transaction() as session:
        session.execute(text(how).bindparams(packed=packed))


FIRST = "WHERE packed = :packed AND number = (SELECT min(number) FROM signals)"
CHANGES = {
    "altered": f"UPDATE signals SET end_s = end_s + 1 {FIRST}",
    "removed": f"DELETE FROM signals {FIRST}",
    "all removed": "DELETE FROM signals WHERE packed = :packed",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_another_program_is_found(store: Store, clock: FakeClock, change: str) -> None:
    recording = started(store, agreed(store, "heart"))
    clock.advance(minutes=5)
    for number in range(3):
        store.signals.add(recording.id, window(number, "heart"))
    alter(store, CHANGES[change], packed=False)
    assert store.check().altered == ["P-017: newest signals of recording 1 were altered by another program"]
    store.signals.pack(recording.id)  # it stays known
    (found,) = store.check().altered
    assert found.startswith(
        "newest signals of recording 1 were altered by another program before Mien changed it"
    )


@pytest.mark.parametrize("change", CHANGES)
def test_so_it_is_once_it_is_packed(store: Store, clock: FakeClock, change: str) -> None:
    recording = started(store, agreed(store, "heart"))
    clock.advance(minutes=5)
    store.signals.add(recording.id, window(0, "heart"))
    store.signals.pack(recording.id)
    whole(store)
    alter(store, CHANGES[change], packed=True)
    what = "altered" if change == "altered" else "removed"
    assert store.check().altered == [f"P-017: signals of recording 1 were {what} by another program"]


def test_it_goes_with_its_recording_and_its_subject(store: Store, clock: FakeClock) -> None:
    subject = agreed(store, "heart")
    first, second = started(store, subject), started(store, subject)
    clock.advance(minutes=5)
    for each in (first, second):
        store.signals.add(each.id, window(0, "heart"))
        store.signals.pack(each.id)
        store.signals.add(each.id, window(1, "heart"))
    store.remove_recording(subject, first.id)
    whole(store)
    assert rows(store) == (1, 1)
    assert store.erase(subject)["signals"] == 4
    assert rows(store) == (0, 0)
    whole(store)


def test_retention_takes_it_along(store: Store, clock: FakeClock) -> None:
    subject = agreed(store, "heart")
    store.subjects.change(subject.code, retention_days=10)
    recording = started(store, subject)
    clock.advance(minutes=5)
    store.signals.add(recording.id, window(0, "heart"))
    clock.advance(days=11)
    assert store.enforce_retention() == {"P-017": 1}
    assert rows(store) == (0, 0)
    whole(store)


def test_a_writer_that_went_away_is_packed(store: Store, clock: FakeClock) -> None:
    recording = started(store, agreed(store, "heart"))
    clock.advance(minutes=5)
    store.signals.add(recording.id, window(0, "heart"))
    store.signals.add(recording.id, window(1, "heart"))
    clock.advance(minutes=1)
    assert [each.id for each in store.recordings.recover()] == [recording.id]
    assert rows(store) == (0, 1)
    assert len(store.signals.of(recording.id)) == 4
    whole(store)


def test_what_cannot_be_read_is_said(store: Store, clock: FakeClock) -> None:
    recording = started(store, agreed(store, "heart"))
    clock.advance(minutes=5)
    store.signals.add(recording.id, window(0, "heart"))
    with store.transaction() as session:
        session.query(SignalRow).update({"data": b"\x01nothing"})
    with pytest.raises(UnreadableError, match="what a body's sensors said can't be read"):
        store.signals.of(recording.id)


def test_nothing_of_the_body_is_in_the_file_without_its_name(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "record.sqlite"
    with Store(path, now=clock) as store:
        recording = started(store, agreed(store))
        clock.advance(minutes=5)
        with pytest.raises(ConsentError):
            store.signals.add(recording.id, [replace(each, signal=NAMED) for each in window(0, "heart")])
        everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert NAMED.encode() not in everything
        with store.reading() as session:
            assert session.query(SignalRow).count() == 0


def test_it_is_recovered_from_a_damaged_file(tmp_path: Path, clock: FakeClock) -> None:
    path, saved = tmp_path / "record.sqlite", tmp_path / "saved.sqlite"
    with Store(path, now=clock) as store:
        recording = started(store, agreed(store, "heart"))
        clock.advance(minutes=5)
        store.signals.add(recording.id, window(0, "heart"))
        store.signals.pack(recording.id)
        store.signals.add(recording.id, window(1, "heart"))
        given = store.signals.of(recording.id)
    assert salvage(path, saved).copied["signals"] == 2
    with Store(saved, now=clock) as store:
        assert store.signals.of(recording.id) == given
        whole(store)


def test_an_encrypted_record_keeps_it(tmp_path: Path, clock: FakeClock) -> None:
    pytest.importorskip("sqlcipher3")
    path = tmp_path / "record.sqlite"
    with Store(path, now=clock, key="a long passphrase") as store:
        recording = started(store, agreed(store, "heart"))
        clock.advance(minutes=5)
        store.signals.add(recording.id, window(0, "heart"))
    with Store(path, now=clock, key="a long passphrase") as store:
        assert len(store.signals.of(recording.id)) == 2
        whole(store)
