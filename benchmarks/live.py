"""How fast the live page is: readings a second, and from when a picture is taken to its marks on the page.

    python benchmarks/live.py
    python benchmarks/live.py --video session.mp4 --seconds 60

First a real Chromium with a film of 640x480 at 30 a second as its camera, and the page open. Then four such
films at once as sources of the server, looped, without a page. Needs chromium and chromedriver. Ends with 1
where a target is missed. Say nothing of figures that were taken while the machine had other work: the load
stands under the table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.chromium import Page, chromium
from browser.fake_camera import CAMERA_HZ, images_of, write_film
from browser.mien_live import mien_live
from mien.config import load_settings
from mien.live.session import LiveSession
from mien.show.video import ClipWriter
from mien.source import open_live
from mien.types import Image

SIZE_WH = (640, 480)
CAMERAS = 4
WARM_UP_S = 10.0

START = "window.mien.stats.clear(); window.began = performance.now()"
END = """
const {readings, drawn, dropped, latency_ms, lastReading} = window.mien.stats;
return {readings, drawn, dropped, latency_ms, size_wh: lastReading?.size_wh, faces: lastReading?.faces.length,
        seconds: (performance.now() - window.began) / 1000};
"""

console = Console(width=110)


@dataclass(frozen=True)
class Figure:
    """A line of the table.

    Attributes:
        what: was measured.
        value: as measured.
        unit: of value and target.
        target: to be reached; None where there is none.
        at_most: whether the target is an upper limit.
    """

    what: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached; half a reading a second is left to rounding."""
        if self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target - 0.5


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", default=default_video(), help="a video with one face, or portrait")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each part is measured")
    parser.add_argument("--only", choices=["page", "cameras"], help="one part")
    given = parser.parse_args()
    forth = images_of(given.video, SIZE_WH)
    images = [*forth, *forth[-2:0:-1]]  # and back, so that the picture never jumps
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "cameras":
            figures += page_figures(Path(folder), images, given.seconds)
        if given.only != "page":
            figures += camera_figures(Path(folder), images, given.seconds)
    report(figures, given)
    return int(not all(figure.met for figure in figures))


def default_video() -> str:
    shared = Path(os.environ.get("MIEN_SHARED", Path(__file__).parents[2] / "shared"))
    video = shared / "data" / "video" / "single_face.mp4"
    return str(video) if video.is_file() else "portrait"


def page_figures(folder: Path, images: Sequence[Image], seconds: float) -> list[Figure]:
    """Measure the page with this browser's camera."""
    found = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in found:
        raise SystemExit("chromium and chromedriver are needed; install them, or use --only cameras")
    film = write_film(folder / "camera.mjpeg", images)
    with mien_live(folder / "mien") as server, chromium(*map(str, found), film) as browser:
        server.choose("self")
        page = Page(browser, server.address).open()
        page.start()
        wait(WARM_UP_S)
        page.run(START)
        wait(seconds)
        told: dict[str, Any] = page.run(END)
        (status,) = server.ask("sources")
    latency_ms = np.array(told["latency_ms"])
    width, height = told["size_wh"]
    console.print(
        f"the page sends {width}x{height}; {told['faces']} face; {told['dropped']} dropped by the server; "
        f"there, a picture takes {status['latency_ms']:.0f} ms"
    )
    return [
        Figure("page, browser's camera: readings", told["readings"] / told["seconds"], "a second", CAMERA_HZ),
        Figure("page: drawn", told["drawn"] / told["seconds"], "a second"),
        Figure("page: frame to drawn marks, median", float(np.median(latency_ms)), "ms", 80, True),
        Figure("page: the same, 95th percentile", float(np.percentile(latency_ms, 95)), "ms", 150, True),
    ]


def camera_figures(folder: Path, images: Sequence[Image], seconds: float) -> list[Figure]:
    """Measure four sources of a session."""
    clip = folder / "camera.mp4"
    with ClipWriter(clip, SIZE_WH) as writer:
        for index, image in enumerate(images):
            writer.write(image, index / CAMERA_HZ)
    with LiveSession(load_settings()) as session:
        for number in range(CAMERAS):
            session.add(f"camera {number}", lambda: open_live(clip, loop=True))
        wait(WARM_UP_S)
        before = {status.name: status.frames_analysed for status in session.statuses()}
        wait(seconds)
        statuses = session.statuses()
    figures = []
    for status in statuses:
        rate = (status.frames_analysed - before[status.name]) / seconds
        figures.append(Figure(f"{CAMERAS} sources, {status.name}: readings", rate, "a second", 12))
    latencies = [status.latency_ms for status in statuses if status.latency_ms is not None]
    return [*figures, Figure(f"{CAMERAS} sources: frame to reading, worst median", max(latencies), "ms")]


def wait(seconds: float) -> None:
    Event().wait(seconds)


def report(figures: Sequence[Figure], given: argparse.Namespace) -> None:
    name = Path(given.video).name
    table = Table(title=f"mien live, {SIZE_WH[0]}x{SIZE_WH[1]} at {CAMERA_HZ} a second, {name}")
    for heading, justify in (("", "left"), ("measured", "right"), ("target", "right"), ("", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for figure in figures:
        target = "" if figure.target is None else f"{'≤' if figure.at_most else '≥'} {figure.target:g}"
        said = "" if figure.target is None else ("met" if figure.met else "MISSED")
        table.add_row(figure.what, f"{figure.value:.1f} {figure.unit}", target, said)
    console.print(table)
    console.print(f"{os.cpu_count()} processors; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
