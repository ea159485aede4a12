"""`mien analyze --signals`: a film of skin with a pulse, and the body that goes with it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import mien
from cli.helpers import Run
from landmark_network import save_landmark_network
from mien.errors import ConfigError
from mien.signals.types import Figure
from mien.store.store import Store
from mien.store.types import FACE
from needs import package
from signals.bodies import ecg
from signals.made_skin import PULSE_RGB

package("neurokit2")

OUT = Path("mien-results")
BEGAN = datetime(2025, 5, 1, 7, 30, tzinfo=UTC)
BODY_S, FILM_S, RATE_HZ = 150, 90, 15
FROM_S = 40.0
"""When, by the body's clock, the film begins."""


def turns(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many beats a heart has made whose rate wanders between 66 and 90 a minute."""
    return np.asarray((78 * times_s - 12 * 30 * np.cos(times_s / 30) + 40 * np.sin(times_s / 13)) / 60)


def save_film(path: Path, seconds: float, *, start: datetime | None) -> Path:
    """Write a film without loss, in which every frame is skin with the pulse of `turns` from `FROM_S` on."""
    random = np.random.default_rng(4)
    noises = random.normal(0, 2, (80, 80, 3))
    with av.open(str(path), "w") as container:
        if start is not None:
            container.metadata["creation_time"] = start.isoformat()
        stream = container.add_stream("ffv1", rate=RATE_HZ)
        stream.height = stream.width = 64
        stream.pix_fmt = "bgr0"
        for number in range(round(seconds * RATE_HZ)):
            phase = 2 * np.pi * turns(np.array(number / RATE_HZ + FROM_S))
            wave = 0.8 * np.cos(phase) + 0.25 * np.cos(2 * phase)
            y, x = random.integers(0, 16, 2)
            picture = (190, 140, 115) * (1 + 0.008 * wave * PULSE_RGB) + noises[y : y + 64, x : x + 64]
            image = np.rint(picture).clip(0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


def save_body(path: Path, seconds: float = BODY_S, *, first_s: float = 0.0, heart: bool = True) -> Path:
    """Write a table of signals whose column of times begins at `first_s`."""
    path.write_text(body_text(seconds, first_s, "ECG_mV" if heart else "light"))
    return path


@cache
def body_text(seconds: float, first_s: float, name: str) -> str:
    grid = np.arange(0, seconds, 0.001)
    beats = grid[1:][np.diff(np.floor(turns(grid))) > 0]
    trace = ecg(beats, seconds, rate_hz=100)
    skin = 2 + 0.3 * np.sin(trace.times_s / 40)
    lines = [
        f"{first_s + t:.3f},{a:.3f},{b:.4f}"
        for t, a, b in zip(trace.times_s, trace.values, skin, strict=True)
    ]
    return f"time_s,{name},EDA_uS\n" + "\n".join(lines)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film of 20 s that knows when it was recorded, one that doesn't, and a network."""
    folder = tmp_path_factory.mktemp("films")
    save_film(folder / "knows.mkv", 20, start=BEGAN)
    save_film(folder / "session.mkv", 20, start=None)
    save_landmark_network(folder)
    return folder


Analyze = Callable[..., Any]


@pytest.fixture
def analyze(run: Run, films: Path) -> Analyze:
    """Run `mien analyze` on a film."""

    def analyze(film: str | Path, *arguments: object) -> Any:
        network = next(films.glob("*.onnx"))
        return run("analyze", films / film, "--crops", "--network", network, "--no-plot", *arguments)

    return analyze


def summary() -> dict[str, Any]:
    (recording,) = json.loads((OUT / "summary.json").read_text())["recordings"]
    found: dict[str, Any] = recording["signals"]
    return found


def table(name: str) -> list[dict[str, str]]:
    with (OUT / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.main_path
def test_the_users_word(analyze: Analyze, tmp_path: Path) -> None:
    body = save_body(tmp_path / "body.csv")
    ran = analyze("session.mkv", "--signals", body, "--signals-start", "-40", "--signals-window", "10")
    assert ran.code == 0, ran.err
    assert "by the seconds given: they begin at -40.0 s" in ran.out
    assert "signals  " in ran.out
    told = summary()
    assert told["clock"]["by"] == "seconds given"
    assert told["common_s"] == [0.0, pytest.approx(20, abs=0.1)]
    rows = table("session.signals.csv")
    rates = {row["start_s"]: float(row["value"]) for row in rows if row["measure"] == "heart_rate"}
    expected = 6 * (turns(np.array([50.0, 60.0])) - turns(np.array([40.0, 50.0])))
    assert list(rates) == ["0.00"]  # a window at the end that is not whole is left out
    assert rates["0.00"] == pytest.approx(expected[0], abs=2)
    assert {"skin_level", "face_valence", "face_arousal", "face_pulse"} <= {row["measure"] for row in rows}
    assert all(0 <= float(row["quality"]) <= 1 for row in rows)


@pytest.mark.exhaustive
def test_the_start_times_of_both_files(analyze: Analyze, tmp_path: Path) -> None:
    body = save_body(tmp_path / "body.csv", first_s=BEGAN.timestamp() - FROM_S)
    ran = analyze("knows.mkv", "--signals", body, "--signals-window", "10")
    assert ran.code == 0, ran.err
    assert "by the start times of both files: they begin at -40.0 s" in ran.out
    assert "neither confirms nor corrects" in ran.out
    assert summary()["clock"]["begin_s"] == pytest.approx(-40, abs=0.01)


@pytest.mark.exhaustive
def test_a_time_with_its_zone(analyze: Analyze, tmp_path: Path) -> None:
    body = save_body(tmp_path / "body.csv")
    given = ("--signals", body, "--signals-start", "2025-05-01T09:29:20+02:00")
    assert analyze("knows.mkv", *given).code == 0
    assert summary()["clock"] | {"pulse_apart_bpm": None} == {
        "by": "time given", "begin_s": -40.0, "corrected_by_pulse_s": None, "pulse_begin_s": None,
        "pulse_uncertainty_s": None, "pulse_apart_bpm": None, "drift": None,
    }  # fmt: skip
    ran = analyze("session.mkv", *given)
    assert ran.code == 2
    assert "does not say when it was recorded" in ran.err
    assert analyze("session.mkv", *given, "--recorded-at", "2025-05-01T07:30:00Z").code == 0
    assert summary()["clock"]["begin_s"] == -40.0


@pytest.mark.exhaustive
def test_without_any_common_clock_it_is_refused(analyze: Analyze, tmp_path: Path) -> None:
    ran = analyze("session.mkv", "--signals", save_body(tmp_path / "body.csv", heart=False))
    assert ran.code == 2
    assert len(ran.errors) == 1
    assert "nothing tells how its clock lies to the video's" in ran.err
    assert "no signal of the heart" in ran.err
    # With a heart, the film is read for its pulse; of 20 s there is too little.
    ran = analyze("session.mkv", "--signals", save_body(tmp_path / "heart.csv"))
    assert ran.code == 1
    assert "the pulse of the face" in ran.err
    assert "--signals-start" in ran.err


def test_no_time_in_common(analyze: Analyze, tmp_path: Path) -> None:
    body = save_body(tmp_path / "body.csv", seconds=30)
    ran = analyze("session.mkv", "--signals", body, "--signals-start", "500")
    assert ran.code == 1
    assert (
        "no time in common with the video: by the seconds given, the signals run from 500 to 530 s" in ran.err
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--signals-start", "soon"], "expected seconds of the video such as -12.5"),
        (["--signals-start", "2026-05-01T09:30"], "a time with its zone"),
        (["--rest", "300"], "expected seconds FROM-TO"),
        (["--signals-window", "1"], "expected a window of 10 to 3600 s"),
    ],
)
def test_wrong_use(analyze: Analyze, tmp_path: Path, arguments: list[str], words: str) -> None:
    ran = analyze("session.mkv", "--signals", save_body(tmp_path / "body.csv", 20), *arguments)
    assert ran.code == 2
    assert words in ran.err


def test_what_needs_signals_and_one_video(analyze: Analyze, films: Path, tmp_path: Path) -> None:
    assert "need --signals" in analyze("session.mkv", "--rest", "0-300").err
    body = save_body(tmp_path / "body.csv", 20)
    ran = analyze(films, "--signals", body, "--signals-start", "0")
    assert "expected one video, received 2 inputs" in ran.err
    ran = analyze("session.mkv", "--signals", tmp_path / "gone.edf")
    assert ran.code != 0
    assert "there is no such file" in ran.err


@pytest.mark.exhaustive
def test_an_interrupted_run_goes_on(analyze: Analyze, tmp_path: Path) -> None:
    body = save_body(tmp_path / "body.csv", 70)
    given = (
        "session.mkv",
        films_missing := tmp_path / "gone.mkv",
        "--signals",
        body,
        "--signals-start",
        "-40",
    )
    assert analyze(*given).code == 1  # one input is missing, so that the partial results stay
    assert not films_missing.exists()
    before = (OUT / "session.signals.csv").read_bytes()
    times = (OUT / "session.signals.csv").stat().st_mtime_ns
    assert analyze(*given, "--resume").code == 1
    assert (OUT / "session.signals.csv").stat().st_mtime_ns == times
    save_body(body, 65)
    assert analyze(*given, "--resume").code == 1
    assert (OUT / "session.signals.csv").stat().st_mtime_ns != times
    assert (OUT / "session.signals.csv").read_bytes()[:40] == before[:40]


def test_in_python(films: Path, tmp_path: Path) -> None:
    body, network = save_body(tmp_path / "body.csv", 70), next(films.glob("*.onnx"))
    recording = mien.analyze(
        films / "session.mkv", signals=body, signals_start=-40, network=network, crops=True
    )
    (told,) = recording.summary["recordings"]
    assert told["signals"]["clock"]["by"] == "seconds given"
    with pytest.raises(ConfigError, match="need signals"):
        mien.analyze(films / "session.mkv", rest="0-300", network=network, crops=True)


@pytest.mark.exhaustive
def test_the_pulse_of_the_face_aligns(analyze: Analyze, tmp_path: Path) -> None:
    film = save_film(tmp_path / "long.mkv", FILM_S, start=None)
    ran = analyze(film, "--signals", save_body(tmp_path / "body.csv"))
    assert ran.code == 0, ran.err
    clock = summary()["clock"]
    assert clock["by"] == "pulse"
    assert abs(clock["begin_s"] + FROM_S) <= clock["pulse_uncertainty_s"] + 0.1
    assert clock["pulse_uncertainty_s"] <= 1
    assert "by the pulse of face and body: they begin at" in ran.out


def save_marked(path: Path) -> Path:
    """Write a table without a heart whose third column says what happened."""
    marks = {400: "clap", 1200: "clap", 1000: "door"}
    rows = [f"{i / 20:.2f},{2 + i % 7 / 100:.2f},{marks.get(i, '')}" for i in range(20 * BODY_S)]
    path.write_text("time_s,sweat,event\n" + "\n".join(rows))
    return path


@pytest.mark.exhaustive
def test_marks_that_both_show(analyze: Analyze, tmp_path: Path) -> None:
    body = save_marked(tmp_path / "body.csv")
    ran = analyze(
        "session.mkv", "--signals", body, "--signals-mark", "door=10", "--kind", "sweat=eda",
        "--signals-window", "10",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "by marks that both show: they begin at -40.0 s" in ran.out
    assert summary()["clock"]["drift"] is None
    assert {"skin_level"} <= {row["measure"] for row in table("session.signals.csv")}
    told = ("session.mkv", "--signals", body, "--signals-mark")
    ran = analyze(*told, "clap=10")
    assert ran.code == 2
    assert "2 marks are called 'clap'; it has #1 clap at 20.0 s, #3 clap at 60.0 s" in ran.err
    ran = analyze(*told, "#1=-20", "--signals-mark", "#2=10", "--signals-window", "10")
    assert ran.code == 0, ran.err
    drift = summary()["clock"]["drift"]
    assert (drift["by"], drift["corrected"]) == ("marks", False)
    assert "its clock gains +0.0 ms a minute" in ran.out
    assert analyze(*told, "door=10", "--signals-start", "-40").code == 2
    assert "expected a mark and its second" in analyze(*told, "door").err
    assert "a mark is given twice" in analyze(*told, "door=1", "--signals-mark", "door=2").err


def test_what_needs_signals(analyze: Analyze) -> None:
    for option in (
        ("--kind", "a=ecg"),
        ("--board", "cyton"),
        ("--time-unit", "s"),
        ("--signals-mark", "a=1"),
    ):
        ran = analyze("session.mkv", *option)
        assert ran.code == 2
        assert f"{option[0]}: need --signals" in ran.err


@pytest.mark.exhaustive
def test_smiles_of_a_film_are_a_table(analyze: Analyze, tmp_path: Path) -> None:
    ran = analyze("session.mkv", "--measures")
    assert ran.code == 0, ran.err
    assert "0 smiles, 0 measured" in ran.out
    assert table("session.smiles.csv") == []
    (recording,) = json.loads((OUT / "summary.json").read_text())["recordings"]
    assert recording["smiles"] == {"smiles": 0, "measured": 0}


RECORDED_S = 75


@pytest.mark.exhaustive
def test_of_a_film_under_a_minute_it_is_said_that_no_figures_are_stored(
    analyze: Analyze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "store" / "record.sqlite"))
    with Store() as store:
        subject = store.subjects.add("P-018")
        store.consents.give(subject, given_by="x", purpose="y", signals=[*FACE, "skin"], given_at=BEGAN)
    body = save_body(tmp_path / "body.csv")
    ran = analyze("session.mkv", "--signals", body, "--signals-start", "-40", "--subject", "P-018")
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert "heart is not recorded: no valid consent names it" in said
    assert "skin is not recorded: no whole minute of it lies in the recording" in said
    assert kept_of("P-018") == ()


@pytest.fixture(scope="module")
def long_film(films: Path) -> Path:
    """A film of more than a minute."""
    return save_film(films / "long.mkv", RECORDED_S, start=BEGAN)


def kept_of(code: str) -> tuple[Figure, ...]:
    with Store() as store:
        (recording,) = store.recordings.of(store.subjects.get(code))
        assert store.check().without_consent == []
        return store.signals.of(recording.id)


@pytest.mark.parametrize(
    "named",
    [
        ("heart",),
        pytest.param(("heart", "skin"), marks=pytest.mark.exhaustive),
        pytest.param((), marks=pytest.mark.exhaustive),
    ],
)
def test_into_the_record_goes_what_the_consent_names(
    analyze: Analyze, long_film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "store" / "record.sqlite"))
    with Store() as store:
        subject = store.subjects.add("P-017")
        store.consents.give(subject, given_by="x", purpose="y", signals=[*FACE, *named], given_at=BEGAN)
    body = save_body(tmp_path / "body.csv")
    ran = analyze(
        long_film.name, "--signals", body, "--signals-start", "-40", "--pulse", "--subject", "P-017"
    )
    assert ran.code == 0, ran.err
    found = kept_of("P-017")
    kept = json.loads((OUT / "summary.json").read_text())["recordings"][0]["subject"]
    assert kept["signals"] == list(named)
    refused = {
        ("heart",): "skin is not recorded: no valid consent names it",
        ("heart", "skin"): None,
        (): "heart and skin are not recorded: no valid consent names them",
    }[named]
    assert kept["signals_refused"] == refused
    assert (refused or "stored as of 2025-05-01") in " ".join(ran.out.split())
    if not named:
        assert found == ()
        everything = b"".join(each.read_bytes() for each in (tmp_path / "store").iterdir())
        for name in (b"heart_rate", b"ECG_mV", b"EDA_uS", b"skin_level"):
            assert name not in everything
        return
    rates = [each for each in found if (each.signal, each.measure) == ("ECG_mV", "heart_rate")]
    assert [(each.start_s, each.end_s) for each in rates] == [(0, 60), (10, 70)]
    for each in rates:
        first, last = turns(np.array([each.start_s, each.end_s]) + FROM_S)
        assert each.value == pytest.approx(last - first, abs=2)
    by_face = [each for each in found if each.signal == "face"]
    assert [(each.start_s, each.measure) for each in by_face] == [(0, "heart_rate"), (10, "heart_rate")]
    sure = [each for each in by_face if each.quality > 0.5]
    assert sure
    for each in sure:
        first, last = turns(np.array([each.start_s, each.end_s]) + FROM_S)
        assert each.value == pytest.approx(last - first, abs=6)
    assert ("skin_level" in {each.measure for each in found}) == ("skin" in named)
