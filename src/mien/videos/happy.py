"""Happy or not, of a whole video: what its face shows, window by window, and at its most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mien.config import load_settings
from mien.errors import ModelError
from mien.files import write_json
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.source import SourceReport
from mien.videos.clip import FRAMES_PER_SECOND, ONE_PICTURE, FaceClip, film_notes, join, read_clips
from mien.videos.clip_network import (
    LEAST_READ,
    ClipNetwork,
    built_in_clip_networks,
    load_clip_network,
    network_input,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS: Final = ("-happy.json", "-happy.png")
"""How the files that are written of a video end: the answer and the plot."""

LABEL: Final = "happiness"

WINDOW_S: Final = 2.0
"""Length of a window for the frame network's mean and maximum."""

THRESHOLD: Final = 0.5
"""From here on the mean or the maximum of the frame network's P(happiness) is called happy."""

FRAME_ANSWERS: Final = ("mean", "maximum")

_LONGEST_WHOLE: Final = 2.0
"""A video of up to this many windows is one window, as the clips were that a network has learnt from."""


@dataclass(frozen=True, slots=True)
class HappyWindow:
    """One window of a video.

    Attributes:
        start_s, end_s: from the beginning of the video.
        probability: that it is a happy one, 0 to 1; None where no face was read in enough of its frames.
    """

    start_s: float
    end_s: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class HappyReading:
    """What the largest face of a video showed.

    Attributes:
        source: the file's name.
        network: what said so.
        seconds: length of the video.
        face_share: share of the time in which the face was read, 0 to 1.
        probability: of the happiest window; None where no face was read.
        happy: whether that is above the threshold; None likewise.
        threshold: that was chosen for this network.
        windows: the course.
        notes: what a reader should know of the file, such as where it breaks off.
    """

    source: str
    network: str
    seconds: float
    face_share: float
    probability: float | None
    happy: bool | None
    threshold: float
    windows: tuple[HappyWindow, ...]
    notes: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """The answer for the whole, in words."""
        picture = ONE_PICTURE in self.notes
        if self.probability is None:
            return f"no face in {'the one picture' if picture else f'{self.seconds:.1f} s of video'}"
        seen = "the one picture" if picture else f"{self.face_share:.0%} of {self.seconds:.1f} s"
        return (
            f"{'happiness' if self.happy else 'no happiness'} (probability {self.probability:.2f}, threshold"
            f" {self.threshold:.2f}, by {self.network}); a face in {seen}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return asdict(self)

    def plot(self) -> Figure:
        """Draw the probability over time, beside the threshold; see `show.happy.happy_plot`."""
        from mien.show.happy import happy_plot

        windows = [(each.start_s, each.end_s, each.probability) for each in self.windows]
        return happy_plot(windows, self.threshold, title=self.source, answer=self.answer)

    def save(self, folder: Path, stem: str) -> list[Path]:
        """Write the answer (.json) and the plot (.png), each whole or not at all.

        Args:
            folder: where; it is made if it isn't there.
            stem: what both names begin with.

        Raises:
            OutputError: one can't be written.
        """
        from mien.show.timeline import save_figure

        answer, plot = (folder / f"{stem}{ending}" for ending in ENDINGS)
        save_figure(self.plot(), plot)
        write_json(answer, self.as_dict())
        return [answer, plot]


class _Says(Protocol):
    def __call__(self, window: FaceClip) -> float | None: ...


def happy(
    path: str | Path,
    *,
    network: str | Path | None = None,
    track: int | None = None,
    pipeline: Pipeline | None = None,
    progress: Callable[[float], None] | None = None,
) -> HappyReading:
    """Tell whether a face in a video shows happiness at any time.

    Args:
        path: of the video; hours need no more memory than minutes.
        network: "happy-video" where it comes with Mien, the path of a network that `mien train --recipe
            happy-video` wrote, or "mean" or "maximum" of the frame network's P(happiness); None for the
            shipped network, or else the maximum.
        track: which face, by its number; None for the largest.
        pipeline: finds and reads faces; None for one by the settings. It stays open.
        progress: called with the share of the video that is read, 0 to 1.

    Returns:
        The answer for the whole and its course in windows; without a face both are None, never a number.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: the network is missing, damaged, or tells something else.
        SourceError: the video can't be read.

    Example:
        >>> import mien
        >>> reading = mien.happy("session.mp4")  # doctest: +SKIP
        >>> reading.happy, reading.probability  # doctest: +SKIP
    """
    name = str(network) if network is not None else default_network()
    says, window_s, rate, threshold = _speaker(name)
    ours = None if pipeline else Pipeline(load_settings())
    reports: list[SourceReport] = []
    try:
        clips = read_clips(
            path, frames_per_second=rate, track=track, pipeline=pipeline or ours, progress=progress,
            ended=reports.append,
        )  # fmt: skip
        course = _Course(says, window_s, rate)
        for clip in clips:
            course.add(clip)
    finally:
        if ours:
            ours.close()
    course.finish()
    known = [each.probability for each in course.windows if each.probability is not None]
    most = max(known) if known else None
    return HappyReading(
        Path(path).name, name, course.steps / rate, course.present / max(1, course.steps), most,
        None if most is None else most >= threshold, threshold, tuple(course.windows),
        film_notes(reports[0]),
    )  # fmt: skip


def default_network() -> str:
    """Return what answers where nobody chooses."""
    return "happy-video" if "happy-video" in built_in_clip_networks() else "maximum"


def _speaker(name: str) -> tuple[_Says, float, float, float]:
    """Return what answers, the length of its windows, its frames per second, and its threshold."""
    if name in FRAME_ANSWERS:
        how = np.mean if name == "mean" else np.max
        return lambda window: _of_frames(window, how), WINDOW_S, FRAMES_PER_SECOND, THRESHOLD
    loaded = load_clip_network(name)
    if loaded.sidecar.label != LABEL:
        raise ModelError(f"{name}: tells {loaded.sidecar.label} from the rest, expected {LABEL}")
    facts = loaded.sidecar
    return (
        lambda window: _of_network(window, loaded),
        facts.window_s,
        facts.frames_per_second,
        facts.threshold,
    )


def _of_frames(window: FaceClip, how: Callable[[Any], Any]) -> float | None:
    said = window.probabilities[window.present, EMOTIONS.index(LABEL)]
    return float(how(said)) if len(said) >= min(LEAST_READ, len(window)) and len(said) else None


def _of_network(window: FaceClip, network: ClipNetwork) -> float | None:
    seen = network_input(window, network.sidecar.frames)
    if seen is None:
        return None
    crops, distances = seen
    return float(network.probabilities(crops[None], distances[None])[network.sidecar.answer][0])


class _Course:
    """Lays windows over the pieces of a video: one of window_s every half of it, the last one at the end."""

    def __init__(self, says: _Says, window_s: float, rate: float) -> None:
        self.windows: list[HappyWindow] = []
        self.steps = self.present = 0
        self._says, self._rate = says, rate
        self._long = max(1, round(window_s * rate))
        self._held: FaceClip | None = None

    def add(self, clip: FaceClip) -> None:
        """Take in the next piece."""
        self.steps += len(clip)
        self.present += int(clip.present.sum())
        held = clip if self._held is None else join([self._held, clip])
        hop = max(1, self._long // 2)
        while len(held) > _LONGEST_WHOLE * self._long:
            self._say(held[: self._long])
            held = held[hop:]
        self._held = held

    def finish(self) -> None:
        """Answer for what is left: a whole short video, or the end of a long one."""
        held, hop = self._held, max(1, self._long // 2)
        if held is None:
            return
        if not self.windows:
            self._say(held)
            return
        while len(held) > self._long:
            self._say(held[: self._long])
            held = held[hop:] if len(held) - hop >= self._long else held[-self._long :]
        self._say(held)

    def _say(self, window: FaceClip) -> None:
        start_s, end_s = float(window.times_s[0]), float(window.times_s[-1]) + 1 / self._rate
        self.windows.append(HappyWindow(start_s, end_s, self._says(window)))
