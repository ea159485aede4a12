"""`--subject`: what `mien live` and `mien analyze` put into the record."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import mien
from cli.helpers import Run, save_clip
from live.session_fakes import live_threads
from mien.analysis.into_record import _stand_in
from mien.cli.live_terminal import _progress
from mien.errors import StoreError
from mien.live.purpose import choose_purpose
from mien.mood.reading_rate import read_too_rarely
from mien.mood.simulated import simulate
from mien.record.finalize import load_series
from mien.record.simulated import write_simulated
from mien.record.writer import RecordStatus, RecordWriter
from mien.source.recorded_at import recorded_at
from mien.store.store import Store
from mien.store.types import StoredRecording


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_network: Path) -> Iterator[None]:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "record.sqlite"))
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_DETECTOR", "haar")
    monkeypatch.chdir(tmp_path)
    choose_purpose("clinic")
    yield
    assert live_threads() == []


@pytest.fixture
def clip(tmp_path: Path, small_portrait: np.ndarray) -> Path:
    return save_clip(tmp_path / "session.mp4", [small_portrait] * 12)


@pytest.fixture
def agreed() -> None:
    with Store() as store:
        store.consents.give(
            store.subjects.add("P-017"), given_by="herself", purpose="to see",
            given_at=datetime(1970, 1, 1, tzinfo=UTC),
        )  # fmt: skip


def stored() -> list[StoredRecording]:
    with Store() as store:
        return store.recordings.of(store.subjects.get("P-017"))


def stamped(clip: Path, told: str) -> Path:
    """The same film, whose container says when it was made."""
    path = clip.with_name("stamped.mp4")
    with av.open(str(clip)) as old, av.open(str(path), "w") as new:
        new.metadata["creation_time"] = told
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return path


@pytest.mark.usefixtures("agreed")
def test_a_film_goes_into_the_record(run: Run, clip: Path) -> None:
    ran = run("analyze", clip, "--subject", "P-017", "--out", "results")
    assert (ran.code, ran.errors) == (0, [])
    (recording,) = stored()
    assert (recording.kind, recording.source, recording.state) == ("video", "session.mp4", "finished")
    assert (recording.frames, recording.length_s) == (12, 1.1)
    assert recording.coverage == 1.0
    day = f"{recording.started_at:%Y-%m-%d %H:%M}"
    told = f"stored as of {day} (when the file was last changed; set another time with --recorded-at)"
    assert f"P-017 in 12 of 12 frames, {told}" in ran.out
    assert recording.models["network"]["sha256"]
    assert recording.settings["detector"] == "haar"
    with Store() as store:
        series = load_series(store, recording.id)
    assert np.isfinite(series.confidence).sum() == 12
    kept = json.loads(Path("results/summary.json").read_text())["recordings"][0]["subject"]
    assert kept == {
        "code": "P-017", "recording": recording.uuid,
        "frames": 12, "frames_with_subject": 12, "other_faces": 0,
        "read_too_rarely": None, "signals": [], "signals_refused": None,
        "recorded_at": recording.started_at.isoformat(), "by_file_date": True,
    }  # fmt: skip


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("count", [1, 4])
def test_the_only_face_of_a_short_film_is_the_subjects(
    run: Run, tmp_path: Path, small_portrait: np.ndarray, count: int
) -> None:
    path = save_clip(tmp_path / "blink.mp4", [small_portrait] * count)
    ran = run("analyze", path, "--subject", "P-017", "--out", "results")
    assert (ran.code, ran.errors) == (0, [])
    assert f"P-017 in {count} of {count} frames" in ran.out
    (recording,) = stored()
    with Store() as store:
        assert np.isfinite(load_series(store, recording.id).confidence).sum() == count


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("scales", [(1, 1), pytest.param((1, 2, 1), marks=pytest.mark.exhaustive)])
def test_joined_films_are_stored_to_their_end(
    run: Run, tmp_path: Path, small_portrait: np.ndarray, scales: tuple[int, ...]
) -> None:
    film = tmp_path / "joined.ts"
    for scale in scales:
        large = small_portrait.repeat(scale, 0).repeat(scale, 1)
        part = save_clip(tmp_path / "part.ts", [large] * 12)
        with film.open("ab") as joined:
            joined.write(part.read_bytes())
    count = 12 * len(scales)
    ran = run("analyze", film, "--subject", "P-017", "--out", "results")
    assert (ran.code, ran.errors) == (0, [])
    assert f"P-017 in {count} of {count} frames" in ran.out
    record = json.loads(Path("results/summary.json").read_text())["recordings"][0]
    assert (record["tracks"], record["duration_s"]) == (1, pytest.approx(count / 10))
    assert "its clock jumps" in record["note"]
    assert ("its resolution changes" in record["note"]) == (len(scales) > 2)
    (recording,) = stored()
    with Store() as store:
        np.testing.assert_allclose(load_series(store, recording.id).time_s, np.arange(count) / 10, atol=1e-3)


@pytest.mark.usefixtures("agreed")
def test_from_python_too(clip: Path) -> None:
    found = mien.analyze(clip, subject="P-017")
    (recording,) = stored()
    assert found.summary["recordings"][0]["subject"]["recording"] == recording.uuid
    with pytest.raises(StoreError, match="P-9"):
        mien.analyze(clip, subject="P-9")


@pytest.mark.exhaustive
def test_nothing_goes_into_a_simulated_persons_record(run: Run, clip: Path) -> None:
    with Store() as store:
        write_simulated(store, "SIM-1", simulate(1, 1, start=date(2026, 6, 1)))
        before = len(store.recordings.of(store.subjects.get("SIM-1")))
    ran = run("analyze", clip, "--subject", "SIM-1", "--out", "results")
    assert ran.code == 1
    assert "SIM-1 is simulated" in ran.errors[0]
    with Store() as store:
        assert len(store.recordings.of(store.subjects.get("SIM-1"))) == before


@pytest.mark.usefixtures("agreed")
@pytest.mark.exhaustive
def test_a_film_counts_once(run: Run, clip: Path) -> None:
    assert run("analyze", clip, "--subject", "P-017", "--out", "results").code == 0
    copy = clip.with_name("copy.mp4")
    shutil.copy(clip, copy)
    for path in (clip, copy):
        ran = run("analyze", path, "--subject", "P-017", "--out", "results")
        assert ran.code == 1
        (error,) = ran.errors
        assert "is already in the record of P-017" in error
        assert "--again" in error
    (before,) = stored()
    assert run("analyze", clip, "--subject", "P-017", "--again", "--out", "results").code == 0
    (after,) = stored()
    assert (after.uuid, after.frames, after.state) == (before.uuid, 12, "finished")
    assert after.id != before.id


@pytest.mark.exhaustive
@pytest.mark.usefixtures("agreed")
def test_the_tracks_that_somebody_names(run: Run, clip: Path) -> None:
    assert run("analyze", clip, "--subject", "P-017", "--face", "0", "--out", "results").code == 0
    assert [each.coverage for each in stored()] == [1.0]


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("tracks", ["7", pytest.param("0,7", marks=pytest.mark.exhaustive)])
def test_a_track_that_is_not_there_leaves_what_is_stored(run: Run, clip: Path, tracks: str) -> None:
    assert run("analyze", clip, "--subject", "P-017", "--out", "results").code == 0
    before = stored()
    ran = run("analyze", clip, "--subject", "P-017", "--face", tracks, "--again", "--out", "results")
    assert ran.code == 1
    assert ran.errors == [f"{clip} has no face 7, only 0; nothing is stored for P-017"]
    assert stored() == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("agreed")
def test_a_film_that_breaks_off_leaves_what_is_stored(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("analyze", clip, "--subject", "P-017", "--out", "results").code == 0
    before = stored()

    def broken(*given: object) -> None:
        raise StoreError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(RecordWriter, "take", broken)
        assert run("analyze", clip, "--subject", "P-017", "--again", "--out", "results").code == 1
    assert stored() == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("agreed")
def test_what_a_killed_program_left_beside_a_recording_makes_room(run: Run, clip: Path) -> None:
    assert run("analyze", clip, "--subject", "P-017", "--out", "results").code == 0
    (before,) = stored()
    with Store() as store:
        left = store.recordings.start(
            store.subjects.get("P-017"), kind="video", source="session.mp4", started_at=before.started_at,
            models={}, settings={}, version="1", uuid=_stand_in(before.uuid),
        )  # fmt: skip
        store.recordings.finish(left.id, state="interrupted")
    assert run("analyze", clip, "--subject", "P-017", "--out", "results").code == 1
    assert stored() == [before]


@pytest.mark.exhaustive
@pytest.mark.usefixtures("agreed")
def test_of_several_alike_nothing_is_stored(run: Run, tmp_path: Path, small_portrait: np.ndarray) -> None:
    two = tmp_path / "two.png"
    Image.fromarray(np.hstack([small_portrait] * 2)).save(two)
    ran = run("analyze", two, "--subject", "P-017", "--out", "results")
    assert ran.code == 1
    (error,) = ran.errors
    assert "two.png has 2 faces, and it is unclear which is the subject's; nothing is stored" in error
    assert "Choose one of 0, 1 with --face" in error
    assert stored() == []
    assert run("analyze", two, "--subject", "P-017", "--face", "0,1", "--out", "results").code == 1
    assert stored() == []
    assert run("analyze", two, "--subject", "P-017", "--face", "1", "--out", "results").code == 0
    assert [each.coverage for each in stored()] == [pytest.approx(1.0)]


@pytest.mark.usefixtures("agreed")
def test_without_a_face_nothing_is_stored(run: Run, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.new("RGB", (200, 200), "grey").save(grey)
    ran = run("analyze", grey, "--subject", "P-017", "--out", "results")
    assert (ran.code, ran.errors) == (1, [f"{grey} has no face; nothing is stored for P-017"])
    assert stored() == []


@pytest.mark.usefixtures("agreed")
def test_photographs_too(run: Run, portrait_path: Path) -> None:
    assert run("analyze", portrait_path, "--subject", "P-017", "--out", "results").code == 0
    (recording,) = stored()
    assert (recording.kind, recording.frames, recording.coverage) == ("photograph", 1, pytest.approx(1.0))


@pytest.mark.exhaustive
@pytest.mark.usefixtures("agreed")
def test_several_at_once(run: Run, clip: Path, tmp_path: Path, small_portrait: np.ndarray) -> None:
    other = save_clip(tmp_path / "other.mp4", [small_portrait] * 8)
    ran = run("analyze", clip, other, "--subject", "P-017", "--out", "results", "--jobs", "2")
    assert (ran.code, ran.errors) == (0, [])
    assert sorted(each.source for each in stored()) == ["other.mp4", "session.mp4"]


def test_when_a_film_was_recorded(clip: Path) -> None:
    length_s = 1.2
    changed = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    os.utime(clip, (changed.timestamp(), changed.timestamp()))
    assert recorded_at(clip, length_s) == (changed - timedelta(seconds=length_s), False)
    assert recorded_at(clip, length_s).at.utcoffset() == changed.astimezone().utcoffset()
    for told, expected in [
        ("2026-05-01T08:00:00.000000Z", datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("1970-01-01T00:00:00.000000Z", None),
    ]:
        path = stamped(clip, told)
        os.utime(path, (changed.timestamp(), changed.timestamp()))
        assert recorded_at(path, length_s) == (
            expected or changed - timedelta(seconds=length_s),
            expected is not None,
        )
    path = stamped(clip, "0001-01-01T00:00:00.000000Z")
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    assert not recorded_at(path, length_s).said
    path = stamped(clip, "2026-07-01T08:00:00.000000Z")
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    assert recorded_at(path, length_s) == (changed - timedelta(seconds=length_s), False)


@pytest.mark.usefixtures("agreed")
def test_when_somebody_knows_better(run: Run, clip: Path) -> None:
    ran = run(
        "analyze",
        clip,
        "--subject",
        "P-017",
        "--recorded-at",
        "2026-05-01T09:30:00+05:30",
        "--out",
        "results",
    )
    assert ran.code == 0
    assert "frames, stored as of 2026-05-01 09:30\n" in ran.out
    assert [each.started_at.isoformat() for each in stored()] == ["2026-05-01T09:30:00+05:30"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--subject", "P-099"], 1, "P-099"),
        (["--subject", "P-018"], 1, "mien consent give P-018"),
        (["--subject", "P-017", "--face", "left"], 2, "face: expected largest or numbers of tracks"),
        (["--subject", "P-017", "--recorded-at", "yesterday"], 2, "expected a time as in"),
        (["--again"], 2, "need --subject"),
    ],
)
@pytest.mark.usefixtures("agreed")
def test_what_cannot_be_recorded(run: Run, clip: Path, options: list[str], code: int, message: str) -> None:
    with Store() as store:
        store.subjects.add("P-018")
    ran = run("analyze", clip, "--out", "results", *options)
    assert ran.code == code
    (error,) = ran.errors
    assert message in error
    assert stored() == []
    assert not Path("results").exists()


def test_a_film_needs_a_consent_of_its_own_time(run: Run, clip: Path) -> None:
    with Store() as store:
        store.subjects.add("P-018")
        store.consents.give(store.subjects.get("P-018"), given_by="her", purpose="to see")
    options = ["analyze", clip, "--out", "results", "--subject", "P-018", "--recorded-at"]
    for at, said in (("2019-05-01", "it begins on"), ("2199-05-01", "is in the future")):
        ran = run(*options, at)
        assert (ran.code, len(ran.errors)) == (1, 1)
        assert said in ran.errors[0]
    with Store() as store:
        assert store.recordings.of(store.subjects.get("P-018")) == []


@pytest.mark.usefixtures("agreed")
def test_one_time_for_one_film(run: Run, clip: Path) -> None:
    two = clip.with_name("two.mp4")
    shutil.copy(clip, two)
    ran = run("analyze", clip, two, "--subject", "P-017", "--recorded-at", "2026-05-01", "--out", "results")
    assert (ran.code, len(ran.errors)) == (2, 1)
    assert "recorded at: expected one input, received 2" in ran.errors[0]


@pytest.mark.usefixtures("agreed")
def test_a_consent_withdrawn_meanwhile_ends_the_film(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = RecordWriter.take

    def withdrawn(writer: RecordWriter, *given: object) -> int | None:
        with Store() as store:
            if (subject := store.subjects.get("P-017")) and store.consents.valid(subject):
                store.consents.withdraw(subject)
        return take(writer, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordWriter, "take", withdrawn)
    ran = run("analyze", clip, "--subject", "P-017", "--out", "results")
    assert ran.code == 1
    assert "P-017 has no valid consent any more; nothing more is stored" in ran.errors
    assert [(each.state, each.frames) for each in stored()] == [("interrupted", 0)]


@pytest.mark.usefixtures("agreed")
def test_live_says_for_whom_it_records_and_how_much_is_stored(run: Run, clip: Path) -> None:
    ran = run("live", clip, "--no-page", "--json", "--subject", "P-017")
    assert (ran.code, ran.errors) == (0, [])
    assert "mien: film on: session.mp4" in ran.err
    assert "readings of P-017 are stored; pictures are not, nothing leaves this machine" in ran.err
    assert "mien: recording P-017 from session.mp4" in ran.err
    assert "mien: recorded P-017: 0.0 min from session.mp4" in ran.err
    (recording,) = stored()
    assert recording.state == "finished"
    assert recording.frames == len(ran.out.splitlines())


@pytest.mark.usefixtures("agreed")
def test_live_on_the_page_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    serve = pytest.importorskip("mien.web.serve")

    def run_page(session, settings, open_browser, *, store) -> None:  # type: ignore[no-untyped-def]
        with session.broadcaster.subscribe() as box:
            for _ in range(5):
                assert box.take(10) is not None
        session.close()

    monkeypatch.setattr(serve, "run_page", run_page)
    ran = run("live", "portrait", "--subject", "P-017", "--no-browser")
    assert (ran.code, ran.errors) == (0, [])
    assert [each.state for each in stored()] == ["finished"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--subject", "P-099"], 1, "P-099"),
        (["--subject", "P-018"], 1, "mien consent give P-018"),
        (["portrait", "--subject", "P-017"], 2, "--subject records one source, received 2"),
        (["--subject", "P-017", "--purpose", "venue"], 2, "nobody identifies"),
        (["--store", "elsewhere.sqlite"], 2, "without a subject nothing is stored"),
        (["--subject", "P-017", "--store", "elsewhere.sqlite"], 1, "elsewhere.sqlite"),
    ],
)
@pytest.mark.usefixtures("agreed")
def test_what_cannot_be_recorded_live(
    run: Run, clip: Path, options: list[str], code: int, message: str
) -> None:
    with Store() as store:
        store.subjects.add("P-018")
    ran = run("live", clip, "--no-page", *options)
    assert ran.code == code
    (error,) = ran.errors
    assert message in error
    assert stored() == []


def test_the_terminal_tells_by_time_how_much_is_read_and_that_it_is_read_too_rarely() -> None:
    status = RecordStatus(
        "P-017", 1, "0" * 32, "browser-4", "following", 0, 36.0, 48, 43, 0, 48, 0, None, None,
        {"coverage": 0.13}, read_too_rarely(48, 36.0),
    )  # fmt: skip
    told = _progress(status)
    assert told.startswith(
        "0.6 min, 48 frames stored, 13% of the time read, read too rarely: 1.3 times per second"
    )
    assert "90%" not in told
    assert "1 frame stored" in _progress(replace(status, stored=1, too_rarely=""))
