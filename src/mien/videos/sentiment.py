"""Sentiment of a video: one polarity and category for the clip, its course, and which seconds counted.

Frames are read one after another; of each second only the mean of what its frames say is kept, a few numbers,
so that two hours need no more memory than two minutes. The attention then looks at all seconds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
from numpy.typing import NDArray

from mien.config import Choices, DetectorName
from mien.errors import ConfigError, ModelError
from mien.expression.calibration import log_odds
from mien.expression.network import find_network
from mien.face.crop import crop_faces, crop_whole
from mien.face.detect import Detector
from mien.files import sha256_of, write_json, written_whole
from mien.pipeline import Pipeline, make_pipeline
from mien.source import Source, open_source
from mien.types import Faces
from mien.videos.clip import film_notes
from mien.videos.sentiment_network import (
    POLARITIES,
    SHIPPED,
    Floats,
    InputKind,
    SentimentNetwork,
    load_sentiment_network,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Progress = Callable[[float], None]

ENDINGS: Final = ("-sentiment.json", "-sentiment.csv", "-sentiment.png")
"""How the files that are written of a video end: the answer, the course and the plot."""

MOST_MOMENTS: Final = 5
_STANDS_OUT: Final = 2.0
"""A second counted more than others if its share of the attention is more than this many even shares."""


@dataclass(frozen=True)
class Moment:
    """A stretch of seconds that counted more than the others.

    Attributes:
        start_s: where it begins.
        end_s: where it ends.
        attention: its share of the attention, 0 to 1.
        category: what it shows by itself.
        valence: likewise, -1 to 1.
        arousal: likewise, -1 to 1.
    """

    start_s: float
    end_s: float
    attention: float
    category: str
    valence: float
    arousal: float


@dataclass(frozen=True, eq=False)
class Sentiment:
    """The sentiment of a clip.

    Attributes:
        source: the file's name.
        network: the network's name.
        course: one row per second: `start_s`, `end_s`, `coverage` (share of its frames that could be read),
            `valence`, `arousal`, `attention`, `category`, and `p_...` for each category; empty (NaN) where
            nothing could be read.
        category: of the clip; None where no second could be read.
        probabilities: of each category.
        polarity: negative, neutral or positive; None likewise.
        polarity_probabilities: of the three.
        valence: of the clip, -1 to 1; None likewise.
        arousal: likewise.
        moments: which stretches counted most, the first most; empty where none stands out.
        seen: "face" or "scene": what was looked at.
        notes: what a reader should know of the file, such as where it breaks off.
    """

    source: str
    network: str
    course: pd.DataFrame
    category: str | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    polarity: str | None = None
    polarity_probabilities: dict[str, float] = field(default_factory=dict)
    valence: float | None = None
    arousal: float | None = None
    moments: tuple[Moment, ...] = ()
    seen: str = "face"
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds from the first frame to the end of the last second."""
        return float(self.course["end_s"].iloc[-1]) if len(self.course) else 0.0

    @property
    def seconds_read(self) -> float:
        """Seconds in which there was something to read."""
        step = (self.course["end_s"] - self.course["start_s"]).to_numpy()
        return float(step[self.course["attention"].notna().to_numpy()].sum())

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the course, for JSON."""
        return {
            "source": self.source,
            "network": self.network,
            "seen": self.seen,
            "seconds": round(self.seconds, 3),
            "seconds_read": round(self.seconds_read, 3),
            "category": self.category,
            "probabilities": self.probabilities,
            "polarity": self.polarity,
            "polarity_probabilities": self.polarity_probabilities,
            "valence": self.valence,
            "arousal": self.arousal,
            "moments": [vars(each) for each in self.moments],
            "notes": list(self.notes),
        }

    def plot(self) -> Figure:
        """Draw valence, arousal, what counted and how much was read, over time."""
        from mien.show.sentiment import sentiment_plot

        return sentiment_plot(self.course, title=self.source)

    def save(self, folder: Path, stem: str) -> list[Path]:
        """Write the answer (.json), the course (.csv) and the plot (.png), each whole or not at all.

        Args:
            folder: where; it is there.
            stem: what the three names begin with.

        Raises:
            OutputError: one can't be written.
        """
        from mien.show.timeline import save_figure

        answer, course, plot = (folder / f"{stem}{ending}" for ending in ENDINGS)
        save_figure(self.plot(), plot)  # first, as it takes longest
        with written_whole(course) as temporary:
            self.course.to_csv(temporary, index=False, float_format="%.5g")
        write_json(answer, self.as_dict())
        return [answer, course, plot]


class Seconds:
    """Gathers what frames say into seconds; it keeps a few numbers of each.

    Args:
        width: how many numbers a frame says.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._sums: list[NDArray[np.float64]] = []
        self._counts: list[tuple[int, int]] = []
        self._first: int | None = None

    def add(self, time_s: float, said: Floats | None) -> None:
        """Add a frame; times come in rising order.

        Args:
            time_s: its time.
            said: (width,) what it says; None where there was nothing to read.
        """
        second = int(time_s)
        self._first = second if self._first is None else self._first
        while len(self._counts) <= second - self._first:
            self._sums.append(np.zeros(self._width))
            self._counts.append((0, 0))
        place = second - self._first
        frames, read = self._counts[place]
        self._counts[place] = frames + 1, read + (said is not None)
        if said is not None:
            self._sums[place] += said

    def means(self) -> tuple[NDArray[np.float64], Floats, Floats]:
        """Return the seconds' starts (n,), the means of what was said (n, width), and coverage (n,).

        The mean is NaN where nothing was read.
        """
        counts = np.array(self._counts, np.float64).reshape(-1, 2)
        starts = np.arange(len(counts), dtype=np.float64) + (self._first or 0)
        read = counts[:, 1:]
        sums = np.array(self._sums).reshape(-1, self._width)
        means = np.divide(sums, read, out=np.full_like(sums, np.nan), where=read > 0)
        coverage = np.divide(counts[:, 1], counts[:, 0], out=np.zeros(len(counts)), where=counts[:, 0] > 0)
        return starts, means.astype(np.float32), coverage.astype(np.float32)


def sentiment(
    path: str | Path,
    *,
    network: str | Path | SentimentNetwork = SHIPPED,
    detector: DetectorName | Detector | None = None,
    progress: Progress = lambda done: None,
    **choices: Unpack[Choices],
) -> Sentiment:
    """Read the sentiment of a video: polarity and category, their course, and which seconds counted.

    Of several faces in view the largest counts. Without a face there is no answer, unless the network has
    been trained on scenes.

    Args:
        path: a video, or a photograph, which is a clip of one frame.
        network: the shipped one, or the .onnx file that `mien train --recipe video-sentiment` wrote.
        detector: what finds faces, by name, or any object that is a `Detector`; you close it.
        progress: called with the share that is done, 0 to 1.
        **choices: settings by name, as in `Settings`; `fps` is the network's own where it isn't given.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: the network is missing, damaged or of another kind.
        SourceError: the video can't be read.

    Example:
        >>> import mien
        >>> found = mien.sentiment("interview.mp4")  # doctest: +SKIP
        >>> found.polarity, found.moments[0].start_s  # doctest: +SKIP
    """
    chosen = network if isinstance(network, SentimentNetwork) else load_sentiment_network(network)
    facts = chosen.sidecar
    if facts.reads and sha256_of(find_network(facts.reads)) != facts.reads_sha256:
        raise ModelError(
            f"{facts.name}: was trained on the answers of another {facts.reads} than the one that is here;"
            " train it again"
        )
    if not choices.keys() & {"fps", "every"}:
        choices["fps"] = facts.frames_per_second
    seconds = Seconds(facts.features)
    with FrameReader(facts.input, facts.size_px, facts.reads, choices, detector) as reader:
        for time_s, seen in reader.frames(path, progress):
            pictures = seen is not None and facts.input != "expression"
            seconds.add(time_s, chosen.features(seen[None])[0] if seen is not None and pictures else seen)
    return replace(answer(chosen, Path(path).name, *seconds.means()), notes=reader.notes)


class FrameReader:
    """Reads what a network of clips sees of each frame; made once for any number of clips.

    Args:
        see: what it sees.
        size_px: side of the pictures that it sees.
        reads: the expression network whose answers it takes; "" for the settings' own.
        choices: settings by name.
        detector: what finds faces; see `sentiment`.

    Attributes:
        notes: what a reader should know of the last clip, once all of it is read; see `film_notes`.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a network is missing or damaged.
    """

    def __init__(
        self,
        see: InputKind,
        size_px: int,
        reads: str,
        choices: Choices,
        detector: DetectorName | Detector | None = None,
    ) -> None:
        self._see, self._size_px, self._ours = see, size_px, False
        self._fps, self._every = choices.get("fps"), choices.get("every", 1)
        self.notes: tuple[str, ...] = ()
        self._pipeline: Pipeline | None = None
        if see != "scene":
            self._pipeline, self._ours = make_pipeline(detector, reads or None, choices)

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pipeline is not None and self._ours:
            self._pipeline.close()

    def frames(
        self, path: str | Path, progress: Progress = lambda done: None
    ) -> Iterator[tuple[float, NDArray[Any] | None]]:
        """Yield each frame's time, and what is seen of it; None where there is no face.

        What is seen is what the expression network says, float32 (16,), or a picture, uint8 (side, side).

        Raises:
            SourceError: it can't be read.
        """
        source = open_source(path, every=self._every, fps=self._fps)
        with closing(self._seen(source)) as seen:
            for time_s, said in seen:
                yield time_s, said
                if source.report.duration_s:
                    progress(min(1.0, time_s / source.report.duration_s))
        self.notes = film_notes(source.report)

    def _seen(self, source: Source) -> Generator[tuple[float, NDArray[Any] | None]]:
        if self._pipeline is None:
            with closing(source):
                for frame in source.frames():
                    yield frame.time_s, crop_whole(frame.image, self._size_px)[0]
            return
        for frame, faces in self._pipeline.stream(source):
            if not len(faces):
                yield frame.time_s, None
                continue
            face = faces[[largest(faces)]]
            if self._see == "face":
                yield frame.time_s, crop_faces(frame.image, face, self._size_px)[0]
            else:
                yield frame.time_s, expression_features(face)[0]


def largest(faces: Faces) -> int:
    """Return which of at least one face has the largest box."""
    sides = faces.xyxy[:, 2:] - faces.xyxy[:, :2]
    return int(np.argmax(sides.prod(axis=1)))


def expression_features(faces: Faces) -> Floats:
    """Return (n, 16) what the expression network says of faces: its logits, and how surely there is a face.

    Raises:
        ConfigError: it is a network without the logits that this takes.
    """
    if np.isnan(faces.logits).any():
        raise ConfigError("sentiment needs an expression network with the outputs votes and fer2013")
    there = log_odds(faces.presence.clip(0.01, 0.99))
    return np.column_stack([faces.logits, there]).astype(np.float32)


def answer(
    network: SentimentNetwork, source: str, starts: NDArray[np.float64], means: Floats, coverage: Floats
) -> Sentiment:
    """Answer for a clip of seconds, as `Seconds.means` gives them.

    Args:
        network: what answers.
        source: the clip's name.
        starts: (n,) seconds.
        means: (n, features).
        coverage: (n,).
    """
    import pandas as pd

    facts = network.sidecar
    seen = "scene" if facts.input == "scene" else "face"
    known = ~np.isnan(means).any(axis=1)
    course = pd.DataFrame({"start_s": starts, "end_s": starts + 1.0, "coverage": coverage})
    values = ["valence", "arousal", "attention", *(f"p_{label}" for label in facts.labels)]
    course[values] = np.nan
    course["category"] = pd.Series([None] * len(course), dtype=object)
    if not known.any():
        return Sentiment(source, facts.name, course, seen=seen)
    said = network.answer(means[known])
    numbers = np.column_stack([said.second_affect, said.attention, said.second_probabilities])
    course.loc[known, values] = numbers.astype(np.float64)
    labels = np.array(facts.labels)
    course.loc[known, "category"] = labels[said.second_probabilities.argmax(axis=1)]
    sums: dict[str, float] = {
        each: float(said.probabilities[[of == each for of in facts.polarity]].sum()) for each in POLARITIES
    }
    return Sentiment(
        source,
        facts.name,
        course,
        category=str(labels[said.probabilities.argmax()]),
        probabilities=dict(zip(facts.labels, map(float, said.probabilities), strict=True)),
        polarity=max(sums, key=lambda name: sums[name]),
        polarity_probabilities=sums,
        valence=float(said.affect[0]),
        arousal=float(said.affect[1]),
        moments=moments(course),
        seen=seen,
    )


def moments(course: pd.DataFrame) -> tuple[Moment, ...]:
    """Return the stretches of seconds that counted more than others, those with most attention first."""
    read = course[course["attention"].notna()]
    chosen = read[read["attention"] > _STANDS_OUT / max(1, len(read))]
    stretch = (chosen["start_s"].diff() > 1.0 + 1e-6).cumsum()
    found = [_moment(rows) for _, rows in chosen.groupby(stretch)]
    return tuple(sorted(found, key=lambda each: -each.attention)[:MOST_MOMENTS])


def _moment(rows: pd.DataFrame) -> Moment:
    weight = rows["attention"].to_numpy()
    top = rows.iloc[int(weight.argmax())]
    valence, arousal = (float(np.average(rows[name], weights=weight)) for name in ("valence", "arousal"))
    return Moment(
        float(rows["start_s"].iloc[0]),
        float(rows["end_s"].iloc[-1]),
        float(weight.sum()),
        str(top["category"]),
        valence,
        arousal,
    )
