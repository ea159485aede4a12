"""What sensors cost a live session: processor time with six signals beside the face, against without.

    python benchmarks/live_signals.py
    python benchmarks/live_signals.py --video session.mp4 --blocks 6 --seconds 20

One session reads a film as a camera, 30 frames a second, all the time. In every other block six sensors run
beside it, each in its own thread: ECG (250 Hz), pulse wave (64 Hz), skin (4 Hz), breath (25 Hz), muscle
(1000 Hz) and brain (256 Hz). Only the processor time of this process counts, user and system. What a reading
of a face costs is taken from the block without sensors; what the sensors cost is what the block with them
took beyond its readings, set against a camera's 30 readings a second. So a busy machine, which reads fewer
frames, makes sensors look neither cheap nor dear. Six pairs take five minutes. Ends with 1 where the target
is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np

# In place of this folder, whose `signals.py` is another one.
sys.path.remove(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from mien.config import load_settings
from mien.live.session import LiveSession
from mien.signals.processing import neurokit
from mien.signals.stream.types import Batch, Channel, Chunk
from mien.signals.types import Signal
from mien.source import open_live
from signals.bodies import beat_times, course, ecg, pulse

MOST_MORE = 0.10
"""Target: so much more processor time at most."""
CAMERA_HZ = 30.0
BODY_S = 120.0
PACKET_S = 0.1
WARM_UP_S = 8.0


@dataclass
class MadeStream:
    """Gives a made signal in real time, over and over, in packets of a tenth of a second."""

    signal: Signal
    _over: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.rate_hz = round(self.signal.rate_hz or 0)
        self.channels: Sequence[Channel] = (
            Channel(self.signal.name, self.signal.kind, self.signal.unit, self.rate_hz),
        )
        # As a sensor that has run for a while: the buffers are full from the start.
        self._start_s = time.time() - 95
        self._given = 0

    def read(self, timeout_s: float) -> Batch:
        """Return the samples since the last time."""
        self._over.wait(min(PACKET_S, timeout_s))
        count = int((time.time() - self._start_s) * self.rate_hz)
        numbers = np.arange(self._given, count)
        self._given = count
        if not len(numbers):
            return Batch()
        times = self._start_s + numbers / self.rate_hz
        return Batch((Chunk(self.signal.name, times, self.signal.values[numbers % len(self.signal)]),))

    def close(self) -> None:
        """Let what waits go."""
        self._over.set()


def body() -> list[Signal]:
    random = np.random.default_rng(0)
    beats = beat_times(70, BODY_S)
    skin = 4 + 0.5 * np.sin(np.arange(4 * BODY_S) / 40)
    breath = np.sin(2 * np.pi * 0.25 * np.arange(25 * BODY_S) / 25)
    return [
        ecg(beats, BODY_S),
        pulse(beats, BODY_S),
        course("eda", skin, 4, "EDA", "uS"),
        course("respiration", breath, 25, "RSP"),
        course("emg", random.normal(0, 20, round(1000 * BODY_S)), 1000, "EMG", "uV"),
        course("eeg", random.normal(0, 10, round(256 * BODY_S)), 256, "AF7", "uV"),
    ]


@dataclass(frozen=True)
class Block:
    """One stretch of time: processor seconds a second, and faces' readings a second."""

    load: float
    rate_hz: float


def measure(session: LiveSession, seconds: float) -> Block:
    def analysed() -> int:
        return sum(each.frames_analysed for each in session.statuses())

    frames, cpu_s, start_s = analysed(), time.process_time(), time.monotonic()
    Event().wait(seconds)
    passed_s = time.monotonic() - start_s
    return Block((time.process_time() - cpu_s) / passed_s, (analysed() - frames) / passed_s)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", default=default_video(), help="a video with one face, or portrait")
    parser.add_argument("--blocks", type=int, default=6, help="pairs of blocks, without and with sensors")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a block; a multiple of 5")
    parser.add_argument("--fps", type=float, help="faces' readings a second at most")
    given = parser.parse_args()
    neurokit()  # loaded once, however long a session runs
    signals = body()
    pairs: list[tuple[Block, Block]] = []
    with LiveSession(load_settings()) as session:
        loop = {} if given.video == "portrait" else {"loop": True}
        session.add("camera", lambda: open_live(given.video, fps=given.fps, **loop))
        Event().wait(WARM_UP_S)
        for _ in range(given.blocks):
            without = measure(session, given.seconds)
            for each in signals:
                session.add_signals(each.name, lambda each=each: MadeStream(each))
            Event().wait(WARM_UP_S)
            pairs.append((without, measure(session, given.seconds)))
            for each in signals:
                session.remove(each.name)
            print(f"without {without}, with {pairs[-1][1]}", flush=True)
            Event().wait(1.0)
    return report(pairs, min(CAMERA_HZ, given.fps or CAMERA_HZ))


def default_video() -> str:
    shared = Path(os.environ.get("MIEN_SHARED", Path(__file__).parents[2] / "shared"))
    video = shared / "data" / "video" / "single_face.mp4"
    return str(video) if video.is_file() else "portrait"


def report(pairs: Sequence[tuple[Block, Block]], camera_hz: float) -> int:
    """Print the table; return the exit code."""
    more = np.array([_more(before, after, camera_hz) for before, after in pairs])
    random = np.random.default_rng(0)
    draws = [np.median(random.choice(more, len(more))) for _ in range(2000)]
    low, high = np.quantile(draws, (0.05, 0.95))
    before, after = (np.array([[b.load, b.rate_hz] for b in each]) for each in zip(*pairs, strict=True))
    for name, blocks in (("without sensors", before), ("with six signals", after)):
        load, rate = np.median(blocks, axis=0)
        print(f"{name:18} {load:.3f} processors, {rate:.1f} readings a second")
    met = float(np.median(more)) <= MOST_MORE
    print(
        f"more at {camera_hz:3.0f} a s    {np.median(more):+.1%} [{low:+.1%}, {high:+.1%}] in"
        f" {len(pairs)} pairs; target at most {MOST_MORE:.0%}: {'met' if met else 'MISSED'}"
    )
    print(f"{os.cpu_count()} processors; load average {os.getloadavg()[0]:.1f}")
    return int(not met)


def _more(before: Block, after: Block, camera_hz: float) -> float:
    """Return what the sensors cost, as a share of what the faces of a camera cost."""
    reading = before.load / before.rate_hz
    return (after.load - reading * after.rate_hz) / (reading * camera_hz)


if __name__ == "__main__":
    sys.exit(main())
