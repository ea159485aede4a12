"""Speed of the whole `mien analyze`, as a user feels it: frames a second, peak memory, start-up.

    python benchmarks/analyze.py
    python benchmarks/analyze.py --peer /path/to/an/environment/with/fer/bin/python

    python benchmarks/analyze.py --faces 5

The video is the built-in portrait, 640x360, one face, or several copies of it side by side. Frames a second
leave start-up apart: a long clip's time less a one-frame clip's. With --peer, `fer` (Haar detector) reads the
same clip in the same run. Medians of five runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.show.video import ClipWriter
from mien.source.portrait import PortraitSource, portrait_path

PEER = """
import sys, time
start = time.perf_counter()
import cv2
from fer.fer import FER
reader = FER(mtcnn=False)
video = cv2.VideoCapture(sys.argv[1])
while True:
    good, frame = video.read()
    if not good:
        break
    reader.detect_emotions(frame)
"""


@dataclass(frozen=True)
class Measured:
    """Wall-clock seconds and peak resident memory of one process."""

    seconds: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--faces", type=int, default=1, help="copies of the portrait in each frame")
    parser.add_argument("--peer", type=Path, help="a Python with fer installed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = [
            write_clip(Path(folder) / f"{frames}.mp4", frames, given.faces) for frames in (given.frames, 1)
        ]
        out = ["--out", str(Path(folder) / "out"), "--quiet"]
        mien = [sys.executable, "-m", "mien", "analyze"]
        ours = whole([[*mien, str(clip), *out] for clip in clips], given)
        report("mien analyze", ours)
        if given.peer:
            theirs = whole([[str(given.peer), "-c", PEER, str(clip)] for clip in clips], given)
            report("fer, Haar", theirs)
            print(f"ratio                     {ours[0] / theirs[0]:8.1f}")
        photo = median([*mien, str(portrait_path()), *out], given.runs)
        print(f"mien analyze photo, cold  {photo.seconds:8.2f} s")
    nothing = median([sys.executable, "-c", "pass"], given.runs)
    imported = median([sys.executable, "-c", "import mien"], given.runs)
    print(f"import mien               {imported.seconds - nothing.seconds:8.3f} s")


def write_clip(path: Path, frames: int, faces: int) -> Path:
    width = 640 // faces // 2 * 2
    source = PortraitSource(size_wh=(width, 360), duration_s=frames / 25, frame_rate_hz=25)
    with ClipWriter(path, (width * faces, 360)) as clip:
        for frame in source.frames():
            clip.write(np.tile(frame.image, (1, faces, 1)), frame.time_s)
    return path


def whole(commands: Sequence[list[str]], given: argparse.Namespace) -> tuple[float, Measured, Measured]:
    """Frames a second between the long and the short clip, and both measurements."""
    long, short = (median(command, given.runs) for command in commands)
    return (given.frames - 1) / (long.seconds - short.seconds), long, short


def median(command: list[str], runs: int) -> Measured:
    found = [measure(command) for _ in range(runs)]
    return Measured(
        *(statistics.median(getattr(each, name) for each in found) for name in ("seconds", "peak_mb"))
    )


def measure(command: list[str]) -> Measured:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} ... failed with {process.returncode}")
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return Measured(time.perf_counter() - start, usage.ru_maxrss / scale)


def report(name: str, measured: tuple[float, Measured, Measured]) -> None:
    rate, long, short = measured
    print(f"{name:24}  {rate:8.1f} frames/s, peak {long.peak_mb:.0f} MB, {short.seconds:.1f} s for one frame")


if __name__ == "__main__":
    main()
