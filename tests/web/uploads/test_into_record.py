"""What was read of a dropped file, put into a subject's record by a process that can't reach the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import mien
from mien.exchange.exporting import export_record
from mien.exchange.importing import import_recording
from mien.live.purpose import choose_purpose
from mien.mood.simulated import simulate
from mien.record.simulated import write_simulated
from mien.store.store import Store
from mien.web.app import build_backend
from mien.web.security.access import Records
from mien.web.uploads import preview
from mien.web.uploads.jobs import Uploads
from mien.web.uploads.routes import add_uploads
from patience import LIMIT_S
from web.backend import LOCAL, ORIGIN, FakeLiveSession, TestClient, client, settings

OWN = {"Origin": ORIGIN}
AT = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        store.consents.give(
            store.subjects.add("P-1"), given_by="the person", purpose="to talk about it",
            signals=["expression"], given_at=AT - timedelta(days=1),
        )  # fmt: skip
        store.subjects.add("P-2")
        yield store


@pytest.fixture
def uploads(
    record: Store, live_session: FakeLiveSession, research: None
) -> Iterator[tuple[TestClient, Uploads]]:
    app = build_backend(live_session, settings(), records=Records(lambda: record))  # type: ignore[arg-type]
    uploads = add_uploads(app, live_session, settings())  # type: ignore[arg-type]
    with client(app, address=LOCAL) as visitor:
        yield visitor, uploads


@pytest.fixture
def visitor(uploads: tuple[TestClient, Uploads]) -> TestClient:
    return uploads[0]


def send(visitor: TestClient, path: Path) -> str:
    """Send a file, and wait until it is read; its process sets no event here, so ask now and then."""
    key = visitor.post(
        "/api/v1/files", content=path.read_bytes(), headers=OWN | {"X-Mien-Name": path.name}
    ).json()["id"]
    end_s = monotonic() + LIMIT_S
    while (status := visitor.get(f"/api/v1/files/{key}").json())["state"] != "done":
        assert monotonic() < end_s, status
        Event().wait(0.1)
    return str(key)


def put(visitor: TestClient, key: str, **more: Any) -> Any:
    wanted = {"subject": "P-1", "at": AT.isoformat(), **more}
    return visitor.post(f"/api/v1/files/{key}/record", json=wanted, headers=OWN)


def made_up(record: Store) -> str:
    """A simulated person of a few short recordings."""
    write_simulated(record, "SIM-1", simulate(1, 1, start=date(2026, 4, 1), minutes=0.5))
    return "SIM-1"


@pytest.mark.exhaustive
def test_a_photograph_goes_into_the_record_once(
    uploads: tuple[TestClient, Uploads], record: Store, portrait_path: Path
) -> None:
    """Against what `mien.read` finds in the same picture."""
    visitor, table = uploads
    key = send(visitor, portrait_path)
    answer = put(visitor, key)
    assert answer.status_code == 201, answer.text
    (kept,) = record.recordings.of(record.subjects.get("P-1"))
    assert answer.json() == {"subject": "P-1", "recording": kept.id, "frames": 1, "frames_with_subject": 1}
    assert (kept.kind, kept.source, kept.started_at, kept.state) == (
        "photograph", portrait_path.name, AT, "finished",
    )  # fmt: skip
    expected = mien.read(portrait_path).by_shares()
    readings = record.readings.load(kept.id)
    assert readings["probabilities"][0] == pytest.approx(expected.probabilities[0], abs=0.02)
    assert np.isnan(readings["measures"]).all()  # the consent covers expressions alone
    again = put(visitor, key)
    assert (again.status_code, "is already in the record of P-1" in again.json()["detail"]) == (409, True)
    assert len(record.recordings.of(record.subjects.get("P-1"))) == 1
    upload = table.find(key)
    assert upload is not None
    assert not (upload.folder / preview.RECORD).exists()
    assert not (upload.folder / "record").exists()


@pytest.mark.exhaustive
def test_of_two_alike_somebody_has_to_choose(
    visitor: TestClient, record: Store, portrait_path: Path, tmp_path: Path
) -> None:
    portrait = cv2.imread(str(portrait_path))
    both = tmp_path / "both.png"
    cv2.imwrite(str(both), np.hstack([portrait, portrait]))
    key = send(visitor, both)
    unclear = put(visitor, key)
    assert unclear.status_code == 422
    assert "has 2 faces" in unclear.json()["detail"]
    assert "--" not in unclear.json()["detail"]
    assert record.recordings.of(record.subjects.get("P-1")) == []
    assert put(visitor, key, faces=[7]).status_code == 422
    assert put(visitor, key, faces=[1]).json()["frames_with_subject"] == 1


@pytest.mark.exhaustive
def test_nothing_goes_into_a_record_that_may_not(
    visitor: TestClient, record: Store, portrait_path: Path, tmp_path: Path
) -> None:
    key = send(visitor, portrait_path)
    simulated = made_up(record)
    refused = {
        "no such subject": put(visitor, key, subject="P-9"),
        "no consent": put(visitor, key, subject="P-2"),
        "nobody's": put(visitor, key, subject=simulated),
        "before the consent": put(visitor, key, at="2020-05-01T09:30:00+02:00"),
        "the future": put(visitor, key, at="2999-01-01T00:00:00+00:00"),
        "no zone": put(visitor, key, at="2026-05-01T09:30:00"),
        "no time in UTC": put(visitor, key, at="0001-01-01T00:00:00+14:00"),
        "no code": put(visitor, key, subject="P-1\0"),
        "no such face": put(visitor, key, faces=[-1]),
        "no such file": put(visitor, "missing"),
    }
    codes = {why: answer.status_code for why, answer in refused.items()}
    assert codes == {
        "no such subject": 404, "no consent": 409, "nobody's": 409, "before the consent": 409,
        "the future": 422, "no zone": 422, "no time in UTC": 422, "no code": 422,
        "no such face": 422, "no such file": 404,
    }  # fmt: skip
    choose_purpose("venue")
    assert put(visitor, key).status_code == 409
    assert record.recordings.of(record.subjects.get("P-1")) == []


@pytest.mark.exhaustive
def test_a_picture_without_a_face_is_no_recording(visitor: TestClient, record: Store, tmp_path: Path) -> None:
    empty = tmp_path / "wall.png"
    Image.new("RGB", (320, 240), (120, 130, 140)).save(empty)
    answer = put(visitor, send(visitor, empty))
    assert answer.status_code == 422
    assert "no face" in answer.json()["detail"]


def test_only_one_recording_is_taken_from_what_was_left_there(record: Store, tmp_path: Path) -> None:
    """A process that was taken over could leave anything: what holds more is refused whole."""
    export_record(record, made_up(record), tmp_path / "many.zip")
    with pytest.raises(mien.SourceError, match="expected one recording"):
        import_recording(record, tmp_path / "many.zip", record.subjects.get("P-1"))
    assert record.recordings.of(record.subjects.get("P-1")) == []
