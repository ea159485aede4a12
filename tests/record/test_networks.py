"""Readings that mean something else: another network's, and those stored before shares were."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.analysis.summary import SHARES, describe_models, readings_of
from mien.config import load_settings
from mien.expression.network import load_network
from mien.mood.baseline import Baseline, NotReady
from mien.mood.simulated import simulate
from mien.record import baseline
from mien.record.changes import changes, choose_false_alarms
from mien.record.days import days
from mien.record.simulated import write_simulated
from mien.store.schema import RecordingRow
from mien.store.store import Store
from mien.store.types import Subject

START = date(2026, 1, 5)
CHANGED = START + timedelta(35)

EARLIER: dict[str, Any] = {
    "network": {"name": "mien", "sha256": "6a9a2d8c" + "0" * 56, "labels": ["neutral"]}
}
"""As recordings had it before they said what their numbers mean."""
NOW: dict[str, Any] = {
    "network": EARLIER["network"] | {"readings": f"{SHARES} 0123abcd", "recall": {"fear": 0.4}}
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten weeks; after five of them the same network, whose readings mean something else."""
    path = tmp_path_factory.mktemp("made") / "record.sqlite"
    with Store(path) as store:
        write_changed(store, weeks=10, minutes=4.0, changed=CHANGED)
    return path


def write_changed(store: Store, *, weeks: int, minutes: float, changed: date) -> Subject:
    subject = write_simulated(store, "SIM", simulate(weeks, 1, start=START, minutes=minutes, missing=0.0))
    with store.transaction() as session:
        for each in store.recordings.of(subject):
            row = session.get_one(RecordingRow, each.id)
            row.models = EARLIER if each.day < changed else NOW
    return subject


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Iterator[Store]:
    with Store(shutil.copy(made, tmp_path)) as store:
        yield store


def subject_of(store: Store) -> Subject:
    return store.subjects.get("SIM")


def test_recordings_say_what_their_readings_mean(tmp_path: Path) -> None:
    changed = START + timedelta(3)
    with Store(tmp_path / "record.sqlite") as store:
        subject = write_changed(store, weeks=1, minutes=2.0, changed=changed)
        recordings, table = store.recordings.of(subject), days(store, subject)
    assert {each.network for each in recordings} == {"mien 6a9a2d8c", f"mien 6a9a2d8c {SHARES} 0123abcd"}
    assert {len(each.recall) for each in recordings} == {0, 1}
    assert table.loc[changed - timedelta(1), "network"] == "mien 6a9a2d8c"
    assert np.isfinite(table["valence_mean"]).all()


@pytest.mark.exhaustive
def test_a_baseline_is_of_one_network_only(store: Store) -> None:
    subject = subject_of(store)
    all_days, table = baseline.take(store, subject), days(store, subject)
    assert all_days.start == CHANGED
    assert all_days.days == (table.index >= CHANGED).sum()
    assert all_days.network == f"mien 6a9a2d8c {SHARES} 0123abcd"
    assert Baseline.from_json(all_days.to_json()).network == all_days.network
    earlier = baseline.take(store, subject, end=CHANGED - timedelta(1))
    assert earlier.network == "mien 6a9a2d8c"
    few = baseline.preview(store, subject, end=CHANGED + timedelta(1))
    assert isinstance(few, NotReady)
    assert "days were read by another network" in few.reason


@pytest.mark.exhaustive
@pytest.mark.parametrize("knows_its_network", [True, False])
def test_days_of_another_network_are_told_and_never_compared(store: Store, knows_its_network: bool) -> None:
    """Also with a baseline that was kept by a Mien which did not say which network it is of."""
    subject = subject_of(store)
    baseline.take(store, subject, end=CHANGED - timedelta(1))
    if not knows_its_network:
        kept = store.baselines.latest(subject)
        assert kept is not None
        store.baselines.add(subject, kept.value.replace('"network": "mien 6a9a2d8c"', '"nothing": ""'))
        assert baseline.taken(store, subject).network == ""  # type: ignore[union-attr]
    choose_false_alarms(store, 180)
    found = changes(store, subject)
    told = [each for each in found if each.kind == "network"]
    assert [(each.since, each.until) for each in told] == [(CHANGED, None)]
    assert "read by another network" in told[0].text
    assert not [each for each in found if each.kind == "change"]


def test_the_same_network_calibrated_anew_gives_other_readings() -> None:
    sidecar = load_network("mien").sidecar
    assert sidecar.decision is not None
    changed = sidecar.decision.model_copy(update={"shares_temperature": 2.0})
    other = sidecar.model_copy(update={"decision": changed})
    label_only = sidecar.decision.model_copy(update={"bias": (0.0,) * 8})
    assert readings_of(sidecar) != readings_of(other)
    assert readings_of(sidecar) == readings_of(sidecar.model_copy(update={"decision": label_only}))
    assert readings_of(load_network("paper").sidecar).startswith(SHARES)


def test_no_mix_changes_what_is_said_of_recordings() -> None:
    one, other = (describe_models(load_settings(prior=prior)) for prior in ("balanced", "photographs"))
    assert one == other
    assert one["network"]["readings"].startswith(SHARES)
    assert set(one["network"]["recall"]) == {"contempt", "fear"}
