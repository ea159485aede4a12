"""What sensors say while a recording runs: what the consent names is kept, the rest is let go and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
import pytest

from mien.errors import StoreError
from mien.live.reading import Reading
from mien.live.recorder import Recorder
from mien.record import batch_writer
from mien.record.body import BodyWindows, face_pulse, not_recorded, windows
from mien.record.subject_face import SubjectFace
from mien.record.writer import RecordWriter
from mien.signals.face_pulse import PulseReading
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure
from mien.store.store import Store
from mien.store.types import BODY, FACE, Subject
from mien.types import Faces, Frame
from patience import LIMIT_S
from store_fixtures import FakeClock

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
AT_S = START.timestamp()
SERIES = (
    ("ECG", "heart_rate", "1/min"), ("wrist", "skin_level", "uS"), ("zyg", "muscle_activity", "uV"),
)  # fmt: skip


def reading(end_s: float, source: str = "chest", window_s: float = 60.0, **about: Any) -> SignalReading:
    """Return what a sensor says so many seconds after the recording's start, of its newest minute."""
    at_s = AT_S + end_s
    found = tuple(Figure(at_s - window_s, at_s, *each, 70 + end_s / 100, 0.9) for each in SERIES)
    return SignalReading(source, at_s, figures=found, **({"fresh": True} | about))


def agreed(store: Store, *signals: str) -> Subject:
    subject = store.subjects.add("P-017")
    store.consents.give(
        subject,
        given_by="x",
        purpose="y",
        signals=[*FACE, *signals],
        given_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return subject


def writer(store: Store, subject: Subject, **choices: Any) -> RecordWriter:
    choices = {"face": SubjectFace(settle_s=0), "commit_s": 0.01, **choices}
    return RecordWriter(
        store, subject, kind="camera", source="camera:0", started_at=START, models={}, settings={}, **choices
    )  # fmt: skip


def wait_until(what: Any) -> None:
    end_s = monotonic() + LIMIT_S
    while not what():
        assert monotonic() < end_s
        Event().wait(0.005)


def ends(figures: Sequence[Figure], measure: str = "heart_rate") -> list[float]:
    return [each.end_s for each in figures if each.measure == measure]


def test_whole_minutes_every_ten_seconds_by_the_recordings_clock() -> None:
    windows = BodyWindows(START)
    chosen = [each for second in range(0, 200, 5) for each in windows.choose(reading(second + 0.25))]
    # None begins before the recording; one in each ten seconds is kept, whole.
    assert ends(chosen) == [60.25 + 10 * number for number in range(14)]
    assert {round(each.end_s - each.start_s, 6) for each in chosen} == {60.0}
    assert min(each.start_s for each in chosen) == pytest.approx(0.25)


def test_each_sensor_has_windows_of_its_own() -> None:
    windows = BodyWindows(START)
    assert len(windows.choose(reading(61, "chest"))) == len(windows.choose(reading(62, "wrist"))) == 3
    assert windows.choose(reading(66, "chest")) == []


@pytest.mark.parametrize(
    "unusable",
    [reading(90, fresh=False), reading(90, window_s=30.0), reading(40), SignalReading("a", AT_S, fresh=True)],
)
def test_what_is_old_short_or_before_is_no_window(unusable: SignalReading) -> None:
    assert BodyWindows(START).choose(unusable) == []


def test_a_measure_that_the_store_does_not_know_holds_up_nothing() -> None:
    known = reading(70)
    strange = Figure(AT_S + 10, AT_S + 70, "x", "blood_sugar", "", 5.0, 0.9)
    assert (
        len(
            BodyWindows(START).choose(SignalReading("a", AT_S, figures=(*known.figures, strange), fresh=True))
        )
        == 3
    )


def test_what_the_consent_names_is_kept_and_the_rest_is_told(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    clock.advance(minutes=10)
    with writer(store, agreed(store, "heart")) as record:
        for end_s in range(60, 120, 5):
            record.take_signals(reading(end_s))
        wait_until(lambda: record.status.signals)
    status = record.status
    assert status.signals == ("heart",)
    assert status.signals_refused == "skin and muscles are not recorded: no valid consent names them"
    assert (status.stopped, status.trouble) == (None, None)
    found = store.signals.of(record.recording.id)
    assert ends(found) == [60 + 10 * number for number in range(6)]
    assert store.signals.kept(record.recording.id) == ("heart",)
    checked = store.check()
    assert (checked.altered, checked.without_consent) == ([], [])
    names = [each.measure for each in found]
    assert set(names) == {"heart_rate"}


def test_without_a_name_nothing_of_the_body_reaches_the_file(tmp_path: Path, clock: FakeClock) -> None:
    clock.advance(minutes=10)
    with Store(tmp_path / "record.sqlite", now=clock) as store:
        with writer(store, agreed(store)) as record:
            for end_s in range(60, 120, 5):
                record.take_signals(reading(end_s))
            record.take_figures([Figure(0, 60, "Quittenbaum", "heart_rate", "1/min", 61.8033, 0.9)])
            wait_until(lambda: record.status.signals_refused)
        assert record.status.signals == ()
        assert store.signals.of(record.recording.id) == ()
        with store.reading() as session:
            assert session.connection().exec_driver_sql("SELECT count(*) FROM signals").scalar() == 0
        everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert b"Quittenbaum" not in everything
        assert "heart_rate" not in str([each.details for each in store.audit.entries()])


def test_a_withdrawal_while_it_runs_ends_what_it_is_about(store: Store, clock: FakeClock) -> None:
    clock.advance(minutes=2)
    subject = agreed(store)
    heart = store.consents.give(
        subject, given_by="x", purpose="y", signals=["heart"], given_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    with writer(store, subject) as record:
        record.take_signals(reading(60))
        wait_until(lambda: record.status.signals)
        store.consents.withdraw(subject, heart.id)
        clock.advance(minutes=1)
        record.take_signals(reading(130))
        wait_until(lambda: not record.status.signals)
        assert record.status.stopped is None
    assert ends(store.signals.of(record.recording.id)) == [60]
    assert "heart" in record.status.signals_refused
    assert store.recordings.get(record.recording.id).state == "finished"


def test_a_full_disk_is_waited_for(store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.advance(minutes=10)
    full = [True]
    add = store.signals.add

    def refuse(recording_id: int, figures: Sequence[Figure]) -> None:
        if full[0] and figures:
            raise StoreError("the disk is full")
        add(recording_id, figures)

    monkeypatch.setattr(store.signals, "add", refuse)
    with writer(store, agreed(store, "heart")) as record:
        record.take_signals(reading(60))
        wait_until(lambda: record.status.trouble)
        assert record.status.trouble == "the disk is full"
        full[0] = False
        wait_until(lambda: record.status.trouble is None)
    assert ends(store.signals.of(record.recording.id)) == [60]


def test_a_store_that_stays_away_ends_it(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(minutes=10)
    monkeypatch.setattr(batch_writer, "PATIENCE_S", 0.0)

    def refuse(recording_id: int, figures: Sequence[Figure]) -> None:
        raise StoreError("the disk is full")

    record = writer(store, agreed(store, "heart"))
    monkeypatch.setattr(store.signals, "add", refuse)
    record.take_signals(reading(60))
    wait_until(lambda: record.status.stopped)
    record.take_signals(reading(90))
    record.finish()
    assert record.status.stopped == "the disk is full"
    assert store.signals.of(record.recording.id) == ()


def test_a_recorder_gives_it_to_the_recording_that_runs(store: Store, clock: FakeClock) -> None:
    clock.advance(minutes=10)
    recorder = Recorder(store, agreed(store, "heart"), models={}, settings={})
    recorder.take_signals(reading(60))  # no camera yet: there is nothing that it could stand beside
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 0, 0.0, "camera:0")
    recorder.take("camera:0", Reading(frame, Faces.empty(), Faces.empty(), AT_S, 0.0))
    recorder.take_signals(reading(70))
    assert recorder.close(LIMIT_S)
    (status,) = recorder.statuses()
    assert ends(store.signals.of(status.recording)) == [70]
    recorder.take_signals(reading(90))
    assert ends(store.signals.of(status.recording)) == [70]


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        ((), ""),
        (("heart",), "heart is not recorded: no valid consent names it"),
        (("muscles",), "muscles are not recorded: no valid consent names them"),
        (("skin", "heart", "brain"), "heart, skin and brain are not recorded: no valid consent names them"),
    ],
)
def test_what_is_not_recorded_is_said_plainly(signals: tuple[str, ...], words: str) -> None:
    assert not_recorded(signals) == words
    assert not_recorded(frozenset(signals)) == words
    assert set(signals) <= set(BODY)


def test_windows_of_a_stretch_are_whole_minutes_on_the_grid() -> None:
    assert list(windows(0, 59.9)) == []
    assert list(windows(-100, 60)) == [(0, 60)]
    assert list(windows(12.3, 95)) == [(20, 80), (30, 90)]


def test_the_pulse_of_a_face_says_how_sure_it_is() -> None:
    told = [PulseReading(float(second), 3, 70.0 + second / 60, 0.9, ("POS",)) for second in range(1, 61)]
    told[10:30] = [PulseReading(float(second), 3) for second in range(11, 31)]  # no reading
    (first, second) = face_pulse(told, 70.0)
    assert (first.signal, first.measure, first.start_s, first.end_s) == ("face", "heart_rate", 0, 60)
    assert first.value == pytest.approx(70.6, abs=0.3)
    assert first.quality == pytest.approx(0.6)
    assert second.quality < first.quality
    assert second.value is None
    (nothing,) = face_pulse([], 60.0)
    assert (nothing.value, nothing.quality) == (None, 0.0)
