"""`mien venue`: how stations are set, what is refused, and a station run from a film to its cells."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cli.helpers import ENVIRONMENT, Run, save_clip
from live.session_fakes import LIMIT_S, live_threads
from mien.live.purpose import choose_purpose, read_purpose
from mien.store.store import Store
from mien.store.venue_types import Station
from places.station_fakes import until

STORE = "record.sqlite"


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / STORE))
    monkeypatch.setenv("MIEN_DETECTOR", "haar")
    yield
    for thread in live_threads():
        thread.join(LIMIT_S)
    assert live_threads() == []


def station(tmp_path: Path, name: str = "till-1") -> Station:
    with Store(tmp_path / STORE) as store:
        return store.venues.station("cafe", name)


def test_a_station_is_added_set_shown_and_removed(run: Run, tmp_path: Path) -> None:
    added = run("venue", "add", "cafe", "till-1", "--camera", "0", "--hours", "mon-fri 9:00-17:00")
    assert (added.code, added.out) == (0, "cafe/till-1: added\n")
    assert "mien venue confirm-notice cafe till-1" in added.err
    assert run("venue", "add", "cafe", "door").code == 0
    listed = run("venue", "list").out.splitlines()
    assert ["kiosk only" in listed[0], "its notice is not confirmed" in listed[1]] == [True, True]
    assert run("venue", "zone", "cafe", "till-1", "count 0,0 0.5,0 0.5,1", "ignore 0.5,0 1,0 1,1").code == 0
    assert run("venue", "hours", "cafe", "till-1", "--always").out == "always\n"
    assert run("venue", "change", "cafe", "till-1", "--camera", "1", "--least", "20", "--off").code == 0
    shown = run("venue", "show", "cafe", "till-1").out
    assert shown.splitlines() == [
        "cafe/till-1: switched off",
        "camera  1",
        "least   20 visits in a cell",
        "zone    count 0,0 0.5,0 0.5,1",
        "zone    ignore 0.5,0 1,0 1,1",
        "hours   always",
    ]
    run("venue", "change", "cafe", "till-1", "--on")
    assert "ready, notice confirmed" in run("venue", "confirm-notice", "cafe", "till-1").out
    described = json.loads(run("venue", "show", "cafe", "till-1", "--json").out)
    assert (described["camera"], described["least"], described["enabled"]) == ("1", 20, True)
    assert [each["name"] for each in json.loads(run("venue", "list", "cafe", "--json").out)] == [
        "door",
        "till-1",
    ]
    assert "not confirmed" in run("venue", "confirm-notice", "cafe", "till-1", "--taken-down").out
    assert run("venue", "remove", "cafe", "till-1", "--yes").out == "cafe/till-1: removed\n"
    assert "till-1" not in run("venue", "list").out


def test_marks(run: Run) -> None:
    run("venue", "add", "cafe", "door")
    run("venue", "mark", "cafe", "new menu", "--from", "2026-05-04")
    run("venue", "mark", "cafe", "music off", "--from", "2026-05-05T10:00", "--until", "2026-05-06")
    first, second = run("venue", "marks", "cafe").out.splitlines()
    assert first.endswith("2026-05-04 00:00  new menu")
    assert second.endswith("2026-05-05 10:00 to 2026-05-06  music off")
    run("venue", "unmark", "cafe", first.split()[0])
    assert [each["text"] for each in json.loads(run("venue", "marks", "cafe", "--json").out)] == ["music off"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", "cafe", "till-1", "--least", "1"), "expected at least 10 visits in a cell, received 1"),
        (("add", "cafe", "till-1", "--zone", "count 0,0 2,0 1,1"), "the corner 2,0 is outside the picture"),
        (("add", "cafe", "till-1", "--hours", "mon 17:00-9:00"), "end before they begin"),
        (("add", "cafe", "till-1", "--camera", "guests.jpg"), "is a photograph: a station needs a camera"),
        (("add", "cafe", "till-1", "--camera", "gone.mp4"), "gone.mp4"),
        (("add", "cafe", "till-1", "--camera", "portrait"), "nobody comes or goes in it"),
        (("add", "Café Sonne", "till-1"), "venue: expected up to 32 small letters"),
        (("add", "cafe", "door"), "cafe already has a station door"),
        (("list", "bar"), "there is no venue bar"),
        (("change", "cafe", "door", "--least", str(10**20)), "expected at most 1000 visits"),
        (("mark", "cafe", "x" * 201), "expected 200 characters at most, received 201"),
        (("unmark", "cafe", str(10**20)), "less than or equal to 2147483647"),
        (("change", "cafe", "door"), "nothing to change: give --camera"),
        (("change", "cafe", "door", "--least", "3"), "expected at least 10 visits"),
        (("show", "cafe", "till-9"), "cafe has no station till-9: mien venue list"),
        (("zone", "bar", "till-1"), "there is no venue bar: mien venue add bar"),
        (("zone", "cafe", "door", "ignore 0,0 1,1"), "expected 3 to 32 corners"),
        (("zone", "cafe", "door", "ignore 0,0 1,0 1,1", "--clear"), "give zones or --clear, not both"),
        (("hours", "cafe", "door", "soon"), "expected hours such as mon-fri 11:00-14:30"),
        (("hours", "cafe", "door", "9:00-17:00", "--always"), "give hours or --always, not both"),
        (("unmark", "cafe", "7"), "cafe has no mark 7"),
        (("run", "--no-page", "--purpose", "research"), "stations count with the purpose venue alone"),
        (("run", "--no-page"), "say once what you use this for: --purpose venue"),
        (("run", "bar", "--no-page", "--purpose", "venue"), "there is no venue bar"),
        (("run", "--station", "x", "--no-page", "--purpose", "venue"), "there is no station x"),
        (
            ("run", "--no-page", "--purpose", "venue", "--webhook", "ftp://x", "--for", "0"),
            "webhook: expected an address",
        ),
    ],
)
def test_what_cannot_be_is_answered_in_a_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("guests.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    run("venue", "add", "cafe", "door")
    ran = run("venue", *arguments)
    assert ran.code != 0
    (line,) = ran.errors
    assert error in line


def test_run_refuses_another_purpose_and_an_empty_store(run: Run) -> None:
    choose_purpose("clinic")
    assert "set up here for another purpose: clinic" in run("venue", "run", "--no-page").errors[0]
    run("venue", "add", "cafe", "door")
    run("venue", "remove", "cafe", "door", "--yes")
    ran = run("venue", "run", "--no-page", "--purpose", "venue")
    assert "there is no station yet: mien venue add" in ran.errors[0]
    assert read_purpose() == "venue"


@pytest.fixture
def film(tmp_path: Path, small_portrait: np.ndarray) -> Path:
    """Somebody is there for two seconds, and then nobody for three, twelve times."""
    nobody = np.full_like(small_portrait, 90)
    nobody[::2] = 150
    return save_clip(tmp_path / "film.mp4", ([small_portrait] * 20 + [nobody] * 25) * 12, rate_hz=10)


def test_no_page_tells_what_stations_do(run: Run, tmp_path: Path) -> None:
    run("venue", "add", "cafe", "till-1", "--camera", "0")
    run("venue", "add", "cafe", "door")
    ran = run("venue", "run", "cafe", "--no-page", "--purpose", "venue", "--for", "1.5")
    assert (ran.code, ran.out, ran.errors) == (0, "", [])
    assert "mien: cafe/till-1: The notice is not confirmed yet: nothing is read before." in ran.err
    assert "mien: cafe/door: It has no camera: its kiosk alone counts." in ran.err


def test_the_page_gets_what_runs_the_stations(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []

    def run_page(session, settings, open_browser, *, store, running) -> None:  # type: ignore[no-untyped-def]
        shown.extend([open_browser, store, running.doing("cafe", "door")[0], settings.port])
        session.close()

    monkeypatch.setattr("mien.web.serve.run_page", run_page)
    run("venue", "add", "cafe", "door")
    ran = run("venue", "run", "--purpose", "venue", "--no-browser", "--port", "8471")
    assert (ran.code, ran.errors) == (0, [])
    assert shown == [False, None, "stopped", 8471]


@pytest.mark.exhaustive
def test_a_film_becomes_a_cell_when_the_system_asks_to_end(tmp_path: Path, film: Path) -> None:
    with Store(tmp_path / STORE) as store:
        store.venues.add(Station("cafe", "till-1", str(film), notice_at=datetime(2026, 1, 1, tzinfo=UTC)))
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "venue", "run", "--no-page", "--json", "--purpose", "venue"],
        env=ENVIRONMENT
        | {
            "MIEN_CONFIG": str(tmp_path / "config"),
            "MIEN_STORE": str(tmp_path / STORE),
            "MIEN_DETECTOR": "haar",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[dict[str, object]] = []

    def ended() -> bool:
        assert process.stdout is not None
        lines.append(json.loads(process.stdout.readline()))
        return "ended" in str(lines[-1].get("words"))

    until(ended)
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    (told,) = [json.loads(line) for line in rest.splitlines()]
    assert (told["kind"], told["visits"]) == ("visits", 12)
    with Store(tmp_path / STORE) as store:
        (cell,) = store.venues.cells("cafe")
    assert cell.visits == 12
    assert cell.length_s == pytest.approx(12 * 1.9, abs=3)
