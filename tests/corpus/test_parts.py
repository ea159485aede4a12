"""Long films read in parts: the tables are those of a film that is read whole, to the last byte."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import av
import cv2
import numpy as np
import pytest

from corpus.fake import tree
from mien.config import Settings
from mien.corpus.corpus import Corpus, _Run
from mien.corpus.engines import MOST_DEATHS, Jobs
from mien.corpus.parts import Job, find_seams
from mien.corpus.reader import Outcome, Reader
from mien.corpus.storage import find, open_storage
from mien.corpus.version import Input
from mien.errors import ConfigError
from mien.source import open_source
from mien.table import PLAIN, Columns
from mien.types import Image

PART_S = 1.0


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def shots(many: int) -> Iterator[list[Image]]:
    """Yield shots of one face, of two, and of none; each before a wall of its own."""
    rng = np.random.default_rng(7)
    portrait = [cv2.resize(frame.image, (320, 180)) for frame in open_source("portrait").frames()]
    for number in range(many):
        wall = cv2.resize(
            rng.integers(0, 255, (6, 10, 3), np.uint8), (320, 180), interpolation=cv2.INTER_NEAREST
        )
        start, shot = int(rng.integers(0, 100)), list[Image]()
        for image in portrait[start : start + int(rng.integers(5, 11))]:
            picture = wall.copy()
            if number % 3 < 2:
                picture[20:160, 40:160] = image[20:160, 100:220]
            if number % 3 == 1:
                picture[20:160, 180:300] = image[20:160, 219:99:-1]
            shot.append(picture)
        yield shot


def write_film(path: Path, pictures: list[Image], codec: str = "libx264", **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25)
        stream.width, stream.height = pictures[0].shape[1::-1]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        stream.options = options
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    os.utime(path, ns=(10**18, 10**18))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen shots; key frames are not at the cuts but every 10 pictures."""
    pictures = [picture for shot in shots(16) for picture in shot]
    return write_film(tmp_path_factory.mktemp("film") / "cuts.mp4", pictures, g="10", sc_threshold="0")


class Worker:
    """One worker's reader and its corpus, without engine."""

    def __init__(self, corpus: Path, film: Path, columns: Columns = PLAIN, **choices: Any) -> None:
        self.corpus = corpus
        run = _Run(open_storage(corpus), Settings(**choices), columns, "local", 1, None, lambda status: None,
                   part_s=PART_S)  # fmt: skip
        self.version = run._version
        self.version.begin(run._about)
        (self.what,) = self.version.ask_for(find(film))
        self.reader: Reader = run._make()

    def whole(self) -> Outcome:
        outcome = self.reader.read(Job(self.what, ()))
        assert isinstance(outcome, Outcome)
        return outcome

    def parts(self) -> list[Job]:
        parts = self.reader.read(Job(self.what))
        assert isinstance(parts, list)
        return parts

    def end(self, job: Job) -> Outcome:
        outcome = self.reader.read(Job(self.what, job.seams))
        assert isinstance(outcome, Outcome)
        return outcome


@pytest.mark.parametrize(
    ("columns", "choices"),
    [(Columns(measures=True, landmarks=True), {}), (PLAIN, {"fps": 10}), (PLAIN, {"detector": "haar"})],
)
def test_the_tables_are_those_of_the_whole_film(
    tmp_path: Path, film: Path, columns: Columns, choices: dict[str, Any]
) -> None:
    one, other = (Worker(tmp_path / name, film, columns, **choices) for name in ("whole", "parts"))
    parts = other.parts()
    assert len(parts) >= 3
    assert [other.reader.read(part) for part in reversed(parts)] == [[]] * len(parts)
    expected, found = one.whole(), other.end(parts[0])
    assert found.faces > 100 / (25 / choices.get("fps", 25))
    assert replace(found, seconds=0) == replace(expected, seconds=0)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_a_film_is_parted_at_its_cuts_alone(tmp_path: Path, film: Path) -> None:
    lengths = np.cumsum([len(shot) for shot in shots(16)])[:-1] / 25
    seams = find_seams(film, PART_S, None)
    assert len(seams) >= 2
    assert set(np.round(seams, 6)) <= set(np.round(lengths, 6))
    assert (np.diff([0, *seams]) >= PART_S).all()
    without = write_film(
        tmp_path / "one.mp4", [p for s in shots(1) for _ in range(6) for p in (*s, *s[::-1])]
    )
    assert find_seams(without, PART_S, None) == ()
    assert find_seams(film, 4.0, None) == ()


@pytest.mark.parametrize("choices", [{"every": 2}, {"crops": True}])
def test_what_is_not_parted(tmp_path: Path, film: Path, choices: dict[str, Any]) -> None:
    assert isinstance(Worker(tmp_path / "corpus", film, **choices).reader.read(
        Job(Worker(tmp_path / "corpus", film, **choices).what)), Outcome)  # fmt: skip


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_a_part_of_no_length_is_refused(tmp_path: Path, film: Path, rate: float) -> None:
    with pytest.raises(ConfigError, match="part_s"):
        Corpus(tmp_path / "corpus").analyze(film, part_s=rate)


def test_parts_that_are_there_are_not_read_again(tmp_path: Path, film: Path) -> None:
    first = Worker(tmp_path / "corpus", film)
    parts = first.parts()
    first.reader.read(parts[0])
    again = Worker(tmp_path / "corpus", film)  # of a driver that was killed here
    assert again.parts() == parts
    again.reader.save = None  # type: ignore[attr-defined]
    kept = (tmp_path / "corpus" / again.version.key / "parts" / f"{parts[0].key}.zip").stat()
    for part in parts:
        assert again.reader.read(part) == []
    assert (
        tmp_path / "corpus" / again.version.key / "parts" / f"{parts[0].key}.zip"
    ).stat().st_ino == kept.st_ino
    again.end(parts[0])
    assert list((tmp_path / "corpus").glob("*/parts/*")) == []


def test_a_damaged_film_is_read_whole(tmp_path: Path, film: Path) -> None:
    damaged, content = tmp_path / "damaged.mp4", bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    damaged.write_bytes(content)
    worker = Worker(tmp_path / "corpus", damaged)
    parts = worker.parts()
    answers = [worker.reader.read(part) for part in parts]
    assert [Job(worker.what, ())] in answers
    assert answers.count([]) == len(parts) - answers.count([Job(worker.what, ())])
    assert isinstance(worker.reader.read(Job(worker.what, ())), Outcome)
    assert "damaged" in Corpus(tmp_path / "corpus").frame("summary")["note"][0]


@pytest.mark.parametrize("fault", ["missing", "another", "no zip"])
def test_parts_that_do_not_fit_are_read_whole(tmp_path: Path, film: Path, fault: str) -> None:
    worker = Worker(tmp_path / "corpus", film)
    parts = worker.parts()
    for part in parts:
        worker.reader.read(part)
    folder = tmp_path / "corpus" / worker.version.key / "parts"
    file = folder / f"{parts[1].key}.zip"
    if fault == "missing":
        file.unlink()
    elif fault == "no zip":
        file.write_bytes(b"half")
    else:
        with ZipFile(file) as saved:
            about = json.loads(saved.read("about.json"))
        with ZipFile(file, "w") as saved:
            saved.writestr("about.json", json.dumps(about | {"first_picture": "another"}))
    assert worker.reader.read(Job(worker.what, parts[0].seams)) == [Job(worker.what, ())]


@pytest.mark.exhaustive
def test_by_two_processes(tmp_path: Path, film: Path) -> None:
    Corpus(tmp_path / "whole").analyze(film, workers=1)
    status = Corpus(tmp_path / "parts").analyze(film, workers=2, part_s=PART_S)
    assert (status.done, status.left) == (1, 0)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def jobs_of(*names: str) -> tuple[Jobs, list[Input]]:
    inputs = [Input(name, name, name, 1, "", name) for name in names]
    return Jobs(inputs), inputs


def outcome_of(what: Input, kind: str = "") -> Outcome:
    return Outcome(what.key, kind, "", 0, 0.0, 0.0)


def test_the_last_part_has_the_film_joined_before_what_comes_next() -> None:
    jobs, (long, short) = jobs_of("long", "short")
    parts = Job(long).parts((1.0, 2.0))
    assert [each.span_s for each in parts] == [(0.0, 1.0), (1.0, 2.0), (2.0, float("inf"))]
    assert jobs.answered(jobs.waiting.popleft(), parts) is None
    assert list(jobs.waiting) == [*parts, Job(short)]
    for each in (parts[2], parts[0]):
        jobs.waiting.remove(each)
        assert jobs.answered(each, []) is None
    jobs.waiting.remove(parts[1])
    jobs.answered(parts[1], [])
    assert list(jobs.waiting) == [Job(long, (1.0, 2.0)), Job(short)]
    assert jobs.answered(jobs.waiting.popleft(), outcome_of(long)) == outcome_of(long)


def test_one_part_that_does_not_fit_has_the_film_read_whole() -> None:
    jobs, (long, short) = jobs_of("long", "short")
    parts = Job(long).parts((1.0, 2.0))
    jobs.answered(jobs.waiting.popleft(), parts)
    assert jobs.answered(jobs.waiting.popleft(), [Job(long, ())]) is None
    assert list(jobs.waiting) == [Job(long, ()), Job(short)]
    assert jobs.answered(parts[1], []) is None  # read by another meanwhile
    assert jobs.answered(parts[2], [Job(long, ())]) is None
    assert list(jobs.waiting) == [Job(long, ()), Job(short)]


def test_a_part_that_kills_its_workers_is_the_films_error_once() -> None:
    jobs, (long, short) = jobs_of("long", "short")
    parts, deaths = Job(long).parts((1.0,)), Counter[str]()
    jobs.answered(jobs.waiting.popleft(), parts)
    for _ in range(MOST_DEATHS - 1):
        assert jobs.died(jobs.waiting.popleft(), deaths, outcome_of) is None
        assert jobs.waiting[0] == parts[0]
    assert jobs.died(jobs.waiting.popleft(), deaths, outcome_of) == outcome_of(long)
    assert jobs.died(parts[1], deaths, outcome_of) is None
    assert list(jobs.waiting) == [Job(short)]
