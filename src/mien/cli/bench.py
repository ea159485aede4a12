"""`mien bench`: the speed of each stage on this machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any

import typer

import mien
from mien.cli.console import progress_bar
from mien.cli.options import DetectorOption, NetworkOption
from mien.config import load_settings
from mien.face.crop import crop_faces
from mien.face.detect import Refiner
from mien.face.quality import face_quality
from mien.pipeline import Pipeline
from mien.show.draw import Annotator
from mien.show.video import ClipWriter
from mien.source import open_source
from mien.types import Faces, Frame
from mien.wording import count

FRAMES = 48
MANY_FACES = 5

Work = Callable[[], object]
"""One run: a stage on all frames."""


def bench(
    detector: DetectorOption = None,
    network: NetworkOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for each network.")] = 1,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each stage; the median is reported.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the speed of each stage on this machine.

    It reads the built-in portrait. `whole` is the whole way from a video file to the readings.

    Example: mien bench --detector yunet
    """
    settings = load_settings(detector=detector, network=network, threads=threads)
    with Pipeline(settings) as pipeline, TemporaryDirectory(prefix="mien-") as folder:
        frames, clip = _portrait(), Path(folder) / "portrait.mp4"
        _write_clip(frames, clip)
        stages = list(_stages(pipeline, frames, clip))
        with progress_bar("measuring", len(stages)) as progress:
            results: dict[str, float] = {}
            for name, work in stages:
                results[name] = _median_ms(work, runs)
                progress(len(results))
    report = {
        "mien": mien.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "detector": pipeline.detector.name if pipeline.detector else None,
        "network": pipeline.network.sidecar.name,
        "threads": settings.thread_count,
        "frame_wh": list(frames[0].size_wh),
        "runs": runs,
        "ms_per_frame": {name: round(ms, 3) for name, ms in results.items()},
        "frames_per_second": round(1000 / results["whole"], 1),
    }
    typer.echo(json.dumps(report, indent=2) if as_json else _table(report))


def _portrait() -> list[Frame]:
    with closing(open_source("portrait")) as source:
        return list(islice(source.frames(), FRAMES))


def _write_clip(frames: list[Frame], path: Path) -> None:
    with ClipWriter(path, frames[0].size_wh) as clip:
        for frame in frames:
            clip.write(frame.image, frame.time_s)


def _stages(pipeline: Pipeline, frames: list[Frame], clip: Path) -> Iterator[tuple[str, Work]]:
    """Return each stage's name, and the stage itself at work on all frames."""
    detector, network = pipeline.detector, pipeline.network
    assert detector is not None
    read = [(frame.image, pipeline.read(frame.image)) for frame in frames]
    crops = [crop_faces(image, faces, network.sidecar.size_px) for image, faces in read]
    many = [crop.repeat(MANY_FACES, axis=0)[:MANY_FACES] for crop in crops]

    def each(work: Callable[[Any, Faces], object]) -> Work:
        return lambda: [work(image, faces) for image, faces in read]

    yield "decode", lambda: list(open_source(clip).frames())
    yield "find: detect", each(lambda image, faces: detector.detect(image))
    if isinstance(detector, Refiner):
        yield "find: refine", each(lambda image, faces: detector.refine(image, faces))
    yield "quality", each(face_quality)
    yield "crop", each(lambda image, faces: crop_faces(image, faces, network.sidecar.size_px))
    yield "expression, 1 face", lambda: [network.answer(crop) for crop in crops]
    yield f"expression, {MANY_FACES} faces", lambda: [network.answer(crop) for crop in many]
    yield "whole", lambda: list(pipeline.stream(open_source(clip)))
    yield "draw", each(Annotator().draw)
    yield "encode", lambda: _write_clip(frames, clip.with_name("again.mp4"))


def _median_ms(work: Work, runs: int) -> float:
    work()
    times = []
    for _ in range(runs):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1000 * median(times) / FRAMES


def _table(report: dict[str, Any]) -> str:
    width, height = report["frame_wh"]
    lines = [
        f"{report['machine']}; detector {report['detector']}, network {report['network']}, "
        f"{count(report['threads'], 'thread')}; {width}x{height}, one face; medians of {report['runs']} runs",
        *(f"{name:22} {ms:8.2f} ms" for name, ms in report["ms_per_frame"].items()),
        f"{report['frames_per_second']} frames per second from file to readings",
    ]
    return "\n".join(lines)
