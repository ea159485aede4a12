"""The experiments in docs/studies.md, without PsychoPy: marks by HTTP and by LSL, and a table of stimuli."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.store.store import Store
from mien.study.marks import recorded_marks
from mien.web.app import build_backend
from mien.web.security.access import Records
from mien.web.serve import Server
from patience import LIMIT_S
from web.backend import FakeLiveSession, client, make_reading, settings

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
TRIALS = [("smile03", "pleasant"), ('Größe & "x"', "neutral")]
PICTURE = np.full((480, 640, 3), 128, np.uint8)


def block(number: int) -> str:
    """Return one of the page's blocks of an experiment's code."""
    return re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[number]


def a_program(**more: Any) -> dict[str, Any]:
    """What PsychoPy brings: a window, a picture, and pauses, which are none here."""
    win = SimpleNamespace(flip=lambda: None)
    picture = SimpleNamespace(image="", draw=lambda: None)
    core = SimpleNamespace(wait=lambda _: None)
    return {"win": win, "picture": picture, "core": core, "trials": TRIALS, **more}


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite") as store:
        agreed = store.subjects.add("P-017")
        store.consents.give(
            agreed, given_by="the person", purpose="a study", signals=["expression"],
            given_at=datetime(1970, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        yield store


@pytest.fixture
def live_session(live_session: FakeLiveSession) -> FakeLiveSession:
    live_session.add("camera:0", lambda: None, where="camera:0")  # type: ignore[arg-type,return-value]
    return live_session


def test_marks_by_http_stand_when_the_stimuli_were_shown(
    record: Store, live_session: FakeLiveSession, research: None, tmp_path: Path
) -> None:
    any_port = settings(port=0)
    backend = build_backend(live_session, any_port, records=Records(lambda: record))  # type: ignore[arg-type]
    with Server(backend, any_port) as server:
        code = block(0).replace("http://127.0.0.1:8470/", server.start())
        assert code.count("127.0.0.1") == 1
        with pytest.raises(SystemExit, match="Mien records nobody yet"):
            exec(code, a_program())
        page = client(backend)
        asked = {"subject": "P-017", "source": "camera:0"}
        origin = {"origin": "http://127.0.0.1:8470"}
        assert page.post("/api/v1/recording", json=asked, headers=origin).status_code == 201
        with pytest.raises(SystemExit, match="wait until a face is read"):
            exec(code, a_program())
        for frame in range(30):
            live_session.publish(make_reading("camera:0", frame, 0.1 * frame, image=PICTURE))
        held = a_program()
        exec(code, held)
        live_session.recorder.close(LIMIT_S)
    marks = recorded_marks(tmp_path / "record.sqlite").marks
    assert marks["name"].tolist() == [name for name, _ in TRIALS]
    start = record.recordings.of(record.subjects.get("P-017"))[0].started_at
    shown = [(at - start).total_seconds() for _, _, at in held["shown"]]
    assert marks["onset_s"].tolist() == pytest.approx(shown, abs=0.001)


def test_marks_by_lsl_are_read() -> None:
    pytest.importorskip("pylsl")
    from concurrent.futures import ThreadPoolExecutor

    from mien.signals.stream.lsl import LslStream, lsl_address
    from signals.stream.lsl_senders import Collected, unique

    name = unique("MARKERS")
    code = block(1).replace("MARKERS", name)
    assert name in code
    held = a_program()
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(exec, code, held)
        stream = LslStream(lsl_address(name))
        try:
            found = Collected().read(stream, marks=2)
        finally:
            stream.close()
        ran.result(LIMIT_S)
    assert [each.text for each in found.marks] == [name for name, _ in TRIALS]


def test_the_table_of_stimuli_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.study.tables import read_frame

    flash = datetime(2026, 5, 3, 14, 30, tzinfo=UTC)
    shown = [(name, kind, flash + timedelta(seconds=10.25 * at)) for at, (name, kind) in enumerate(TRIALS, 1)]
    monkeypatch.chdir(tmp_path)
    exec(block(2), {"shown": shown, "flash": flash, "seen_s": 12.48})
    with (tmp_path / "stimuli.csv").open(encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [name for name, _ in TRIALS]
    read = read_frame(tmp_path / "stimuli.csv")
    assert read["onset_s"].tolist() == [22.73, 32.98]
    assert read["condition"].tolist() == ["pleasant", "neutral"]
