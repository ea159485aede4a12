"""The first look at a film: what the main face shows in each tenth of a second, shots, speech.

A tenth takes about 70 bytes a face, so an hour takes a few MB, however large the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.circumplex import valence_arousal
from mien.expression.network import find_network
from mien.files import sha256_of
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline, Tally
from mien.show.sound import sound_of
from mien.source.video import VideoSource
from mien.table import plain_name
from mien.types import Faces
from mien.videos.sentiment import Seconds, expression_features, largest
from mien.videos.sentiment_network import (
    EXPRESSION_FEATURES,
    SHIPPED,
    SentimentNetwork,
    load_sentiment_network,
)

if TYPE_CHECKING:
    from mien.analysis.learn_neutral import LearntFaces

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[float], None]

STEP_S: Final = 0.1
"""A summary is planned in tenths of a second."""

RATE_HZ: Final = 10.0
"""Frames a second at which a film is read, where nothing else is asked for."""

_MOST_FACES: Final = 3
"""So many faces of a picture are kept track of, the largest."""
_FIELDS: Final = len(EMOTIONS) + 8
"""Probabilities, valence, arousal, quality, presence, and the box."""

_NEAR: Final = 1.5
_OTHER_SIZE: Final = 1.6
"""A face seen again has moved by at most so many of its sides, and changed its size by this factor."""

_VOICE_RATE_HZ: Final = 8000
_VOICE_BAND_HZ: Final = (200, 3400)
_VOICE_DB: Final = 12.0
"""So far above the film's quiet tenths is a voice."""
_QUIET: Final = 10
"""Percentile of the levels that counts as quiet."""
_LEAST_DB: Final = -55.0
"""A film's quietest voice, where full scale is 0."""
_HANGS: Final = 2
"""Pauses of so many tenths are within a word."""


AttentionChoice = str | Path | None
"""Whose attention in time counts: "auto" is the shipped network's where it fits, "off" is nobody's."""


def attending(choice: AttentionChoice, settings: Settings) -> SentimentNetwork | None:
    """Return the network of clips whose attention counts; None for none.

    Args:
        choice: which; else the path of an .onnx file.
        settings: how the film is read, as the attention stands on what the film's network says.

    Raises:
        ConfigError: the chosen one reads another network's answers, or pictures.
        ModelError: it is missing or damaged.
    """
    if choice is None or choice == "off":
        return None
    network = load_sentiment_network(SHIPPED if choice == "auto" else choice)
    facts = network.sidecar
    if facts.reads and sha256_of(find_network(settings.network)) == facts.reads_sha256:
        return network
    if choice == "auto":
        return None
    raise ConfigError(
        f"attention: {facts.name} looks at {f'what {facts.reads} says' if facts.reads else 'pictures'}, and"
        f" the film is read by {settings.network}; take another --attention, or off"
    )


@dataclass(frozen=True, eq=False)
class Course:
    """What a film shows in each of its n tenths of a second; NaN where the main face isn't seen.

    Attributes:
        name: of the film.
        duration_s: its length.
        size_wh: of its pictures.
        probabilities: (n, 8) as in `Faces`.
        valence, arousal, quality: (n,) likewise.
        presence: (n,) likewise, as log odds; NaN too where the network can't tell.
        xyxy: (n, 4) the main face's box.
        shot: (n,) number of the shot, from 0.
        faces: (n,) how many faces are seen.
        voice: (n,) whether there is a voice, or something as loud; None without sound.
        attention: (n,) share of its second in the sentiment of the whole film; None where that wasn't read.
        note: what was wrong with the film; None for nothing.
    """

    name: str
    duration_s: float
    size_wh: tuple[int, int]
    probabilities: Floats
    valence: Floats
    arousal: Floats
    quality: Floats
    presence: Floats
    xyxy: Floats
    shot: NDArray[np.int64]
    faces: NDArray[np.int64]
    voice: Flags | None = None
    note: str | None = None
    attention: Floats | None = None

    def __len__(self) -> int:
        return len(self.shot)

    @property
    def seen(self) -> Flags:
        """(n,) whether the main face is read."""
        return np.isfinite(self.valence)


def read_course(
    path: Path,
    pipeline: Pipeline,
    progress: Progress = lambda done: None,
    *,
    name: str | None = None,
    own: LearntFaces | None = None,
    sentiment: SentimentNetwork | None = None,
) -> Course:
    """Read a film once, at the frames a second of the pipeline's settings, and its sound.

    Args:
        path: a video file.
        pipeline: finds and reads the faces.
        progress: told the share that is done.
        name: of the film; its file's when None.
        own: reads the main face by its own neutral face.
        sentiment: whose attention in time is wanted; it reads what the pipeline's network says.

    Raises:
        SourceError: it is no video, or nothing of it can be read.
    """
    rows, shots, counts = array("f"), array("d"), array("i")
    tally, cuts, last_s = Tally(), 0, 0.0
    said = Seconds(EXPRESSION_FEATURES)
    with closing(VideoSource(path, fps=pipeline.settings.fps or RATE_HZ, name=name)) as source:
        whole_s = source.report.duration_s or 0.0
        for frame, faces in pipeline.stream(source, tally):
            if tally.cuts > cuts:
                cuts = tally.cuts
                shots.append(frame.time_s)
            if sentiment is not None:
                said.add(
                    frame.time_s, expression_features(faces[[largest(faces)]])[0] if len(faces) else None
                )
            if own is not None:
                read = own.read(frame, faces, cuts)
                valence, arousal = valence_arousal(read.probabilities).T
                faces = read.fill(valence=valence, arousal=arousal)
            last_s = frame.time_s
            counts.extend((int(frame.time_s / STEP_S + 1e-6), len(faces)))
            rows.extend(_rows(frame.time_s, faces))
            progress(min(1.0, frame.time_s / whole_s) if whole_s else 0.0)
        report = source.report
    duration_s = max(report.duration_s or 0.0, last_s)
    cells = max(1, round(duration_s / STEP_S))
    table = np.frombuffer(rows, np.float32).reshape(-1, 2 + _FIELDS).astype(np.float64)
    shot = np.searchsorted(np.array(shots), (np.arange(cells) + 0.5) * STEP_S, side="right")
    seen = _per_cell(main_face(table, shot), cells)
    pairs = np.array(counts).reshape(-1, 2)
    many = np.zeros(cells, np.int64)
    np.maximum.at(many, pairs[:, 0].clip(max=cells - 1), pairs[:, 1])
    fields = np.split(seen, [8, 9, 10, 11, 12], axis=1)
    probabilities, (valence, arousal, quality, presence), box = (
        fields[0],
        (each[:, 0] for each in fields[1:5]),
        fields[5],
    )
    return Course(
        plain_name(source.name), duration_s, report.size_wh or (2, 2), probabilities, valence, arousal,
        quality, presence, box, shot, many, voice_of(path, cells), report.note,
        None if sentiment is None else _attention(sentiment, said, cells),
    )  # fmt: skip


def _attention(network: SentimentNetwork, said: Seconds, cells: int) -> Floats:
    """Return each tenth's share of the attention, that of its second; 0 where no face was read."""
    starts, means, _ = said.means()
    known = ~np.isnan(means).any(axis=1)
    shares = np.zeros(int(cells * STEP_S) + 2)
    if known.any():
        seconds = starts[known].astype(int).clip(max=len(shares) - 1)
        shares[seconds] = network.answer(means[known]).attention
    return np.asarray(shares[(np.arange(cells) * STEP_S + 1e-6).astype(int)])


def _rows(time_s: float, faces: Faces) -> list[float]:
    """Return time, track and fields of the largest faces of a frame, one after the other."""
    largest = np.argsort(-faces.size_wh.prod(axis=1))[:_MOST_FACES]
    kept = faces[largest]
    with np.errstate(divide="ignore"):
        presence = np.log(kept.presence) - np.log1p(-kept.presence)
    table = np.column_stack(
        [
            np.full(len(kept), time_s), kept.track, kept.probabilities, kept.valence, kept.arousal,
            kept.quality, presence.clip(-9, 9), kept.xyxy,
        ]
    )  # fmt: skip
    flat: list[float] = table.ravel().tolist()
    return flat


def main_face(rows: Floats, shot: NDArray[np.int64]) -> Floats:
    """Return the rows of the main face: in each shot, the track that is largest for longest.

    Mien doesn't know who anybody is. A track that begins after the main one has ended, in the same shot,
    near it and of its size, is taken for the same face, seen again.

    Args:
        rows: (m, 18) time, track and fields of each face.
        shot: (n,) number of the shot of each tenth of a second.
    """
    if not len(rows):
        return rows
    cell = (rows[:, 0] / STEP_S + 1e-6).astype(int).clip(max=len(shot) - 1)
    kept = np.zeros(len(rows), bool)
    for number in np.unique(shot[cell]):
        here = shot[cell] == number
        tracks = np.unique(rows[here, 1])
        sides = np.sqrt((rows[:, -2] - rows[:, -4]) * (rows[:, -1] - rows[:, -3]))
        sizes = {track: sides[here & (rows[:, 1] == track)].sum() for track in tracks}
        for track in sorted(tracks, key=lambda each: -sizes[each]):
            own = here & (rows[:, 1] == track)
            if _goes_on(rows[kept & here], rows[own]):
                kept |= own
    return rows[kept]


def _goes_on(chosen: Floats, other: Floats) -> bool:
    """Return whether a track may be the chosen face, seen before or again."""
    if not len(chosen):
        return True
    start_s, end_s = other[0, 0], other[-1, 0]
    if np.any((chosen[:, 0] >= start_s) & (chosen[:, 0] <= end_s)):
        return False
    place = int(np.searchsorted(chosen[:, 0], start_s))
    pairs = [(chosen[place - 1], other[0])] if place else []
    pairs += [(chosen[place], other[-1])] if place < len(chosen) else []
    return any(_alike(one[-4:], two[-4:]) for one, two in pairs)


def _alike(one: Floats, two: Floats) -> bool:
    sides = [np.sqrt((each[2] - each[0]) * (each[3] - each[1])) for each in (one, two)]
    apart = np.linalg.norm((one[:2] + one[2:] - two[:2] - two[2:]) / 2)
    return bool(max(sides) <= _OTHER_SIZE * min(sides) and apart <= _NEAR * max(sides))


def _per_cell(rows: Floats, cells: int) -> Floats:
    """Return the mean of the fields in each tenth of a second; a gap of one is filled from its neighbours."""
    sums, counts = np.zeros((cells, _FIELDS)), np.zeros(cells)
    cell = (rows[:, 0] / STEP_S + 1e-6).astype(int).clip(max=cells - 1)
    read = np.isfinite(rows[:, 2 + len(EMOTIONS)])
    np.add.at(sums, cell[read], np.nan_to_num(rows[read, 2:]))
    np.add.at(counts, cell[read], 1)
    with np.errstate(invalid="ignore"):
        means: Floats = sums / counts[:, None]
    if read.any() and not np.isfinite(rows[read, 5 + len(EMOTIONS)]).any():
        means[:, 3 + len(EMOTIONS)] = np.nan
    # Slow films, and tenths between two frames.
    step = max(1, round(float(np.median(np.diff(np.unique(cell[read]))))) if read.sum() > 1 else 1)
    for _ in range(step):
        empty = np.isnan(means[1:, 0]) & ~np.isnan(means[:-1, 0])
        places = np.flatnonzero(empty) + 1
        means[places] = means[places - 1]
    return means


def voice_of(path: Path, cells: int) -> Flags | None:
    """Return in which tenths of a second there is a voice, or something as loud in the band of voices.

    Activity by energy: the level between 200 and 3,400 Hz is 12 dB above the film's quietest tenth part.
    Music and noise count too, as nothing here knows words; a cut goes into a pause of either.

    Args:
        path: a video file.
        cells: tenths of a second of its length.

    Returns:
        (cells,); None without sound.
    """
    energy, counts = np.zeros(cells), np.zeros(cells)
    band = butter(4, _VOICE_BAND_HZ, "bandpass", fs=_VOICE_RATE_HZ, output="sos")
    state = np.zeros((len(band), 2))
    for time_s, samples in sound_of(path, _VOICE_RATE_HZ, "mono"):
        filtered, state = sosfilt(band, samples[0], zi=state)
        cell = ((time_s + np.arange(len(filtered)) / _VOICE_RATE_HZ) / STEP_S).astype(int)
        inside = (cell >= 0) & (cell < cells)
        np.add.at(energy, cell[inside], filtered[inside] ** 2)
        np.add.at(counts, cell[inside], 1)
    if not counts.any():
        return None
    level_db = 10 * np.log10(energy / counts.clip(min=1) + 1e-12)
    floor_db = np.percentile(level_db[counts > 0], _QUIET)
    loud = level_db > max(floor_db + _VOICE_DB, _LEAST_DB)
    for _ in range(_HANGS):
        loud[1:-1] |= loud[:-2] & loud[2:]
    return np.asarray(loud)
