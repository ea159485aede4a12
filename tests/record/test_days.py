"""Days, baseline and changes of a simulated person, beside what their readings give straight away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import mien
from mien.errors import ConfigError, StoreError
from mien.mood.baseline import Baseline
from mien.mood.definitions import MEASURES
from mien.mood.expressivity import own_neutral
from mien.mood.figures import figures
from mien.mood.simulated import SimulatedPerson, simulate
from mien.record import baseline
from mien.record.changes import changes, choose_false_alarms, look_back
from mien.record.congruence import congruence
from mien.record.days import days
from mien.record.finalize import load_series
from mien.record.simulated import BASELINE_DAYS, write_demonstration, write_simulated
from mien.store.store import Store
from mien.store.types import Subject
from mien.subject_record import SubjectRecord

START = date(2026, 1, 5)


@pytest.fixture(scope="module")
def person() -> SimulatedPerson:
    """Ten weeks, the last three of them much flatter."""
    return simulate(10, 1, start=START, minutes=4.0, flat_from=49, flat_size=4.0, missing=0.0)


@pytest.fixture(scope="module")
def written(person: SimulatedPerson, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("record") / "record.sqlite") as store:
        write_simulated(store, "SIM", person)
        yield store


@pytest.fixture
def subject(written: Store) -> Subject:
    return written.subjects.get("SIM")


@pytest.mark.exhaustive
def test_a_simulated_person_is_a_subject_like_any_other_and_marked(
    written: Store, subject: Subject, person: SimulatedPerson
) -> None:
    recordings = written.recordings.of(subject)
    assert [each.started_at for each in recordings] == [each.started_at for each in person.recordings]
    assert {(each.kind, each.state) for each in recordings} == {("simulated", "finished")}
    assert len(written.self_reports.of(subject)) == len(person.reports)
    assert len(written.annotations.of(subject)) == len(person.notes)
    assert written.consents.valid(subject, "measures") is not None
    with pytest.raises(StoreError, match="SIM"):
        write_simulated(written, "SIM", person)


def test_a_day_is_what_its_readings_give(written: Store, subject: Subject) -> None:
    table = days(written, subject, baseline=baseline.taken(written, subject))
    recording = written.recordings.of(subject)[10]
    series = load_series(written, recording.id)
    found = figures([series], baseline=baseline.taken(written, subject))
    row = table.loc[recording.day]
    for name in MEASURES:
        estimate = found[name]
        told = (None,) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)
        expected = [np.nan if each is None else each for each in told]
        assert row[[name, f"{name}_low", f"{name}_high"]].tolist() == pytest.approx(expected, nan_ok=True)
    assert row["usable_minutes"] == pytest.approx(series.usable.mean() * 4.0, rel=0.02)
    assert row["minutes"] == pytest.approx(4.0, rel=0.01)
    assert (row["recordings"], row["camera"], row["simulated"]) == (1, "desk", True)


def test_days_are_computed_once_and_anew_when_something_changed(
    written: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = baseline.taken(written, subject)
    before = days(written, subject, baseline=own)
    computed: list[int] = []
    original = load_series
    monkeypatch.setattr(
        "mien.record.days.load_series",
        lambda store, number: (computed.append(number), original(store, number))[1],
    )
    again = days(written, subject, baseline=own)
    assert computed == []
    assert again.equals(before)
    first = written.recordings.of(subject)[0]
    mark = written.annotations.add(
        subject, "speaking", "", at=first.started_at, until=first.started_at + timedelta(seconds=15),
        recording_id=first.id,
    )  # fmt: skip
    spoken = days(written, subject, baseline=own)
    assert computed == [first.id]
    assert spoken.loc[first.day, "speaking_share"] == pytest.approx(15 / 240, abs=0.01)
    written.annotations.remove(subject, mark.id)


@pytest.mark.exhaustive
def test_a_baseline_that_is_only_tried_leaves_what_is_kept(written: Store, subject: Subject) -> None:
    own = baseline.taken(written, subject)
    before = written.figures.of(subject, "day:")
    days(written, subject, baseline=own)
    kept = written.figures.of(subject, "day:")
    tried = baseline.preview(written, subject, end=START + timedelta(days=13))
    assert isinstance(tried, Baseline)
    assert tried.days == 14
    assert written.figures.of(subject, "day:") == kept
    assert set(before) == set(kept)


def test_the_baseline_is_the_first_weeks_and_has_the_own_neutral(written: Store, subject: Subject) -> None:
    usual = baseline.taken(written, subject)
    assert usual is not None
    assert (usual.start, usual.days) == (START, BASELINE_DAYS)
    parts = [load_series(written, each.id) for each in written.recordings.of(subject)[:BASELINE_DAYS]]
    own = own_neutral(parts)
    assert own is not None
    assert usual.neutral == pytest.approx(own.probabilities)
    standing = baseline.standing(written, subject)
    assert isinstance(standing, Baseline)
    assert standing.to_json() == usual.to_json()


@pytest.mark.exhaustive
def test_without_a_baseline_it_says_that_none_was_taken(tmp_path: Path) -> None:
    with Store(tmp_path / "new.sqlite") as store:
        subject = store.subjects.add("P-1")
        (only,) = changes(store, subject)
        assert only.kind == "not_ready"
        with pytest.raises(StoreError, match="P-1: no baseline yet"):
            baseline.take(store, subject)
        # One week of 4 minutes: enough for a picture, but nobody has said that it is usual.
        short = simulate(1, 3, start=START, minutes=4.0, missing=0.0)
        subject = write_simulated(store, "P-2", short)
        assert baseline.taken(store, subject) is not None
        with store.transaction() as session:
            from mien.store.schema import BaselineRow

            session.query(BaselineRow).delete()
        (only,) = changes(store, subject)
        assert "mien usual P-2 --take" in only.text


def test_a_change_is_told_only_when_a_false_alarm_interval_is_chosen(
    written: Store, subject: Subject
) -> None:
    assert {each.kind for each in changes(written, subject)} == {"not_ready"}
    with pytest.raises(ConfigError, match="at least 30"):
        choose_false_alarms(written, 5)
    choose_false_alarms(written, 365)
    told = [each for each in changes(written, subject) if each.measure == "expressivity"]
    assert told
    assert told[0].since is not None
    assert abs((told[0].since - (START + timedelta(days=49))).days) <= 4
    assert told[0].size_sd is not None
    assert told[0].size_sd < -1
    assert "The face has moved less than it usually does" in told[0].text
    choose_false_alarms(written, None)


def test_the_record_in_python(written: Store, subject: Subject, tmp_path: Path) -> None:
    record = mien.subject("SIM", written)
    assert isinstance(record, SubjectRecord)
    assert record.days().index.tolist() == [each.day for each in record.recordings()]
    assert len(record.series(record.recordings()[0])) == 1200
    assert record.events(record.recordings()[0])[0].kind in ("episode", "smile")
    assert {each.scale for each in record.self_reports("phq9")} == {"phq9"}
    assert record.annotations()
    assert record.usual() is not None
    assert record.report(tmp_path / "report.html").read_text().count("Simulated person") >= 1
    last = written.audit.entries(limit=None)[-1]
    assert (last.action, last.subject) == ("read", subject.number)
    with pytest.raises(StoreError, match="P-9"):
        mien.subject("P-9", written)
    with pytest.raises(StoreError, match="nothing"):
        mien.subject("SIM", tmp_path / "nothing.sqlite")


def test_congruence_with_self_reports_is_their_rank_correlation(written: Store, subject: Subject) -> None:
    found = congruence(written, subject)
    own = days(written, subject, baseline=baseline.taken(written, subject))["valence_mean"]
    moods = {each.at.date(): each.total for each in written.self_reports.of(subject, "mood")}
    both = [(own[day], moods[day]) for day in own.index if day in moods]
    mood = found.self_reports["mood"]
    assert mood is not None
    assert mood.n == len(both)
    assert mood.value == pytest.approx(scipy.stats.spearmanr(*zip(*both, strict=True)).statistic)
    assert found.self_reports["gad7"] is None  # five answers
    assert found.prompts == {}


def test_a_questionnaire_about_two_weeks_is_held_against_two_weeks(written: Store, subject: Subject) -> None:
    """It was held against its own day, which says little of the other thirteen."""
    own = days(written, subject, baseline=baseline.taken(written, subject))["valence_mean"]
    of_weeks = own.rolling(14, min_periods=4).mean()  # no day is missing
    for number in range(10, 69, 6):
        day = START + timedelta(number)
        total = float(np.clip(round(13 - 150 * (of_weeks[day] - own.mean())), 0, 27))
        at = datetime.combine(day, time(20), UTC)
        written.self_reports.add(subject, "phq9", total=total, at=at)
    reports = written.self_reports.of(subject, "phq9")
    expected = scipy.stats.spearmanr(
        [of_weeks[each.at.date()] for each in reports], [each.total for each in reports]
    )
    found = congruence(written, subject).self_reports["phq9"]
    assert found is not None
    assert found.n == len(reports)
    assert found.value == pytest.approx(expected.statistic)
    same_day = scipy.stats.spearmanr(
        [own[each.at.date()] for each in reports], [each.total for each in reports]
    )
    assert found.value < same_day.statistic - 0.2


def test_too_few_of_the_days_that_are_asked_about_say_nothing(tmp_path: Path) -> None:
    person = simulate(4, 3, start=START, minutes=1.0, rate_hz=2.0, missing_stretch=(5, 20), missing=0.0)
    with Store(tmp_path / "record.sqlite") as store:
        subject = write_simulated(store, "TWO", replace(person, reports=()))
        at = datetime.combine(START, time(20), UTC)
        store.self_reports.add(subject, "phq9", total=5, at=at + timedelta(20))
        store.self_reports.add(subject, "phq9", total=5, at=at + timedelta(2))
        assert congruence(store, subject).self_reports == {}
        store.self_reports.add(subject, "phq9", total=5, at=at + timedelta(3))
        assert congruence(store, subject).self_reports == {"phq9": None}


def test_congruence_with_prompts_is_told_by_day(written: Store, subject: Subject) -> None:
    recording = written.recordings.of(subject)[5]
    smiles = [each for each in written.readings.events(recording.id) if each.kind == "smile"][:4]
    assert len(smiles) == 4
    marks = [
        written.annotations.add(
            subject, "prompt", "a joke", recording_id=recording.id, data={"expression": "happiness"},
            at=recording.started_at + timedelta(seconds=smile.onset_s - 1.0),
            until=recording.started_at + timedelta(seconds=smile.offset_s - 1.0),
        )
        for smile in smiles
    ]  # fmt: skip
    ((day, targets),) = congruence(written, subject).prompts.items()
    followed = targets["happiness"]
    assert day == recording.day
    assert followed is not None
    assert (followed.prompts, followed.lag_s) == (4, pytest.approx(1.0, abs=0.5))
    assert followed.correlation > 0.4
    assert followed.p < 0.05
    for mark in marks:
        written.annotations.remove(subject, mark.id)


def test_looking_back_finds_the_day_of_the_change(written: Store, subject: Subject) -> None:
    found = look_back(written, subject, "expressivity")
    assert any(abs((each.date - (START + timedelta(days=49))).days) <= 4 for each in found.points)
    assert found.changed is not None
    assert found.changed > 0.9
    with pytest.raises(ConfigError, match="expected one of"):
        look_back(written, subject, "sadness")


@pytest.mark.exhaustive
def test_the_demonstration_tells_the_light_first_and_then_the_change(tmp_path: Path) -> None:
    with Store(tmp_path / "demo.sqlite") as store:
        told = changes(store, write_demonstration(store, "DEMO"))
    assert [each.kind for each in told][:1] == ["light"]
    assert "expressivity" in {each.measure for each in told if each.kind == "change"}
