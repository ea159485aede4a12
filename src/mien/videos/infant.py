"""An infant's film: what can be said of any face, and with a network of one's own, states over time.

Follows Li, Pourtaherian, van Onzenoort, Tjon a Ten & de With 2021 (infant expression analysis with a frame
classifier and a hidden Markov model); see docs/infants.md. No network for infants comes with Mien: nobody has
data at hand to show that one works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.config import Choices, DetectorName
from mien.errors import ConfigError, SourceError
from mien.expression.calibration import softmax
from mien.expression.network import OnnxNetwork, built_in_networks, find_network, load_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.face.crop import crop_squares, face_squares
from mien.face.detect import Detector
from mien.files import write_json, written_whole
from mien.labels import EMOTIONS, SHAPE
from mien.measures.shape import measure
from mien.pipeline import make_pipeline
from mien.source import Source, open_source
from mien.source.base import SourceReport
from mien.types import Faces, Frame, Image
from mien.videos.clip import film_notes
from mien.videos.courses import read_courses
from mien.videos.states import LONGEST_GAP_S, Floats, Spell, StateModel, changes, lasting, learned, spells

if TYPE_CHECKING:
    import pandas as pd

FPS: Final = 5.0
"""Frames a second that are analysed where nothing else was chosen."""
SMALLEST_PX: Final = 24
"""Faces are looked for from this size on, where nothing else was chosen: a cot's camera hangs high."""
MEAN_STATE_S: Final = 5.0
"""How long a state lasts on average, where no labelled course says it."""

OPEN_EYES: Final = 0.2
"""Height by width from which eyes count as open: Soukupova & Cech 2016's threshold, set on adults."""
OPEN_MOUTH: Final = 0.1
"""Opening, in distances between the outer corners of the eyes, from which a mouth counts as open."""
SMILE: Final = 0.5
"""Share of people who would choose happiness, from which a face counts as smiling."""
MOVED: Final = 12
"""Grey levels by which a pixel of the shrunk picture has to change to count as moved; noise stays below."""

_CROWDED: Final = 0.1
"""Several faces in more than this share of the frames are worth a note; the detector errs now and then."""
_MOST_FPS: Final = 240.0

_COLUMNS: Final = (
    "time_s", "in_view", "x", "y", "width", "height", "quality", "eye_openness", "mouth_opening", "smile",
    "head_movement", "picture_movement",
)  # fmt: skip
_SHRUNK_WH: Final = (96, 72)


@dataclass(frozen=True, eq=False)
class Infant:
    """What a film of one infant shows.

    Attributes:
        source: the film's name.
        frame: one row for each analysed frame: `time_s`; `in_view`; `x`, `y`, `width`, `height` in pixels;
            `quality`; `eye_openness`, `mouth_opening`, `smile` (0 to 1); `head_movement` (face widths a
            second); `picture_movement` (share of the picture that changed, 0 to 1); with a network
            `p_<label>`, its `label`, the `state` and how likely that is (`state_probability`). Empty where
            nothing was seen.
        spells: states from start to end; () without a network.
        summary: lengths, shares of the time and changes, with the settings.
    """

    source: str
    frame: pd.DataFrame
    spells: tuple[Spell, ...]
    summary: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the summary and the states for JSON."""
        return self.summary | {
            "spells": [
                {
                    "state": each.label,
                    "start_s": round(each.start_s, 3),
                    "end_s": round(each.end_s, 3),
                    "probability": None if each.probability is None else round(each.probability, 4),
                }
                for each in self.spells
            ]
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write infant.csv, infant.json and infant.png.

        Args:
            folder: made where it is missing; files of these names in it are replaced.

        Returns:
            What was written.

        Raises:
            OutputError: it can't be written.
        """
        from mien.videos.infant_plot import plot  # Matplotlib, which a table doesn't need

        table, facts, picture = (Path(folder) / f"infant.{suffix}" for suffix in ("csv", "json", "png"))
        with written_whole(table) as temporary:
            self.frame.to_csv(temporary, index=False)
        write_json(facts, self.as_dict())
        plot(self, picture)
        return [table, facts, picture]


@dataclass
class _Course:
    """The rows, frame by frame, and one small picture: a long film takes no more memory than its rows."""

    network: OnnxNetwork | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    crowded: int = 0
    _before: Image | None = None
    _centre: tuple[float, Floats] | None = None

    def add(self, frame: Frame, faces: Faces) -> None:
        row: dict[str, Any] = {"time_s": frame.time_s, "in_view": len(faces) > 0}
        row["picture_movement"] = self._picture_movement(frame.image)
        self.crowded += len(faces) > 1
        if len(faces):
            row |= self._of_face(frame, faces[[int(np.argmax(_areas(faces)))]])
        else:
            self._centre = None
        self.rows.append(row)

    def _picture_movement(self, image: Image) -> float | None:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = np.asarray(cv2.resize(grey, _SHRUNK_WH, interpolation=cv2.INTER_AREA), np.uint8)
        before, self._before = self._before, small
        if before is None:
            return None
        # A lamp that is switched on changes every pixel alike; what moves doesn't.
        change = small.astype(np.float32) - before
        return float((np.abs(change - np.median(change)) >= MOVED).mean())

    def _of_face(self, frame: Frame, face: Faces) -> dict[str, Any]:
        shape = dict(zip(SHAPE, measure(face.landmarks)[0, -len(SHAPE) :], strict=True))
        left, top, right, bottom = (float(each) for each in face.xyxy[0])
        centre = np.array([left + right, top + bottom]) / 2
        row: dict[str, Any] = {
            "x": left, "y": top, "width": right - left, "height": bottom - top,
            "quality": float(face.quality[0]),
            "eye_openness": float(shape["eye_openness"]),
            "mouth_opening": float(shape["mouth_opening"]),
            "smile": float(face.shares[0, EMOTIONS.index("happiness")]),
            "head_movement": self._head_movement(frame.time_s, centre, right - left),
        }  # fmt: skip
        if self.network is not None:
            sidecar = self.network.sidecar
            crops = crop_squares(frame.image, *face_squares(face), sidecar.size_px)
            said = softmax(self.network.answer(crops).logits, sidecar.temperature, sidecar.bias)[0]
            row |= {f"p_{label}": float(p) for label, p in zip(sidecar.labels, said, strict=True)}
            row["label"] = sidecar.labels[int(said.argmax())]
        return row

    def _head_movement(self, time_s: float, centre: Floats, width: float) -> float | None:
        before, self._centre = self._centre, (time_s, centre)
        if before is None or time_s <= before[0]:
            return None
        return float(np.hypot(*(centre - before[1])) / width / (time_s - before[0]))


def _areas(faces: Faces) -> Floats:
    wide = faces.xyxy[:, 2:] - faces.xyxy[:, :2]
    return np.asarray(wide[:, 0] * wide[:, 1], np.float64)


class _LookedForTurned:
    """A source whose frames are looked at for longer while nobody is in view: then lying faces are found too.

    An infant in a cot lies on its side as seen by most cameras. Whoever was found is followed however they
    turn.
    """

    def __init__(self, source: Source) -> None:
        self.name, self.live, self._source = source.name, source.live, source
        self.in_view = False
        self._looked_s = -np.inf

    @property
    def report(self) -> SourceReport:
        """What was read so far."""
        return self._source.report

    def frames(self) -> Iterator[Frame]:
        """Yield the source's frames, while nobody is in view one a second as worth a longer look."""
        for frame in self._source.frames():
            longer = not self.in_view and frame.time_s >= self._looked_s + 1.0
            if longer:
                self._looked_s = frame.time_s
            yield replace(frame, still=True) if longer else frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def infant(
    where: str | Path,
    *,
    model: str | Path | None = None,
    courses: str | Path | None = None,
    mean_state_s: float = MEAN_STATE_S,
    progress: Callable[[float], None] = lambda share: None,
    detector: DetectorName | Detector | None = None,
    **choices: Unpack[Choices],
) -> Infant:
    """Read a film of one infant.

    Args:
        where: a video, or a photograph.
        model: a network of one's own that was trained on labelled faces of infants (`mien train --recipe
            infant`); None says only what can be said without one.
        courses: a table of labelled courses (columns `video`, `time_s`, `label`), from which is learnt how
            states follow one another; None takes states that last `mean_state_s`.
        mean_state_s: how long a state lasts on average, in seconds, where `courses` doesn't say it.
        progress: called with the share that is done, 0 to 1, where the length is known.
        detector: what finds faces, by name, or any object that is a `Detector`.
        **choices: settings by name, as in `Settings`; `fps` is 5 and `min_face_px` 24 where left out.

    Returns:
        What was read. A film without a face has rows, and no state.

    Raises:
        ConfigError: a setting is wrong.
        DatasetError: `courses` is no such table.
        ModelError: the network is missing, damaged, or reads clips.
        SourceError: the film can't be read.

    Example:
        >>> import mien
        >>> read = mien.infant("cot.mp4", model="runs/infant/infant.onnx")  # doctest: +SKIP
        >>> read.save("cot-results")  # doctest: +SKIP
    """
    if "fps" not in choices and "every" not in choices:
        choices["fps"] = FPS
    choices.setdefault("min_face_px", SMALLEST_PX)
    pipeline, ours = make_pipeline(detector, None, choices)
    settings = pipeline.settings
    network = None if model is None else load_network(model, settings.thread_count)
    if network is None and courses is not None:
        raise ConfigError(
            "labelled courses say how states follow one another, and need a model that tells states"
        )
    if network is not None:
        # What is wrong with courses or lengths is told before the film is read, which may take hours.
        _state_model(network.sidecar.labels, courses, mean_state_s, 1 / (settings.fps or _MOST_FPS))
    source = _LookedForTurned(
        open_source(where, every=settings.every, fps=settings.fps, max_megapixels=settings.max_megapixels)
    )
    course = _Course(network)
    try:
        if network is not None:
            import hmmlearn.base  # noqa: F401  an extra that is missing is said before the film is read
        for frame, faces in pipeline.stream(source):
            source.in_view = len(faces) > 0
            course.add(frame, faces)
            if length := source.report.duration_s:
                progress(min(frame.time_s / length, 1.0))
    finally:
        if ours:
            pipeline.close()
    if not course.rows:
        raise SourceError(f"{source.name}: no frame could be read")
    fps = 1 / _step_s(np.array([row["time_s"] for row in course.rows]), settings.fps or FPS)
    facts: dict[str, Any] = {
        "fps": round(fps, 4),
        "notes": _notes(source.report, course, network),
        "network": None,
    }
    if network is None:
        return _told(source.name, course.rows, None, facts)
    facts["network"] = {"name": network.sidecar.name, "sha256": network.sidecar.sha256}
    facts |= {
        "mean_state_s": None if courses else mean_state_s,
        "courses": None if courses is None else str(courses),
    }
    states = _state_model(network.sidecar.labels, courses, mean_state_s, 1 / fps)
    return _told(source.name, course.rows, states, facts)


def _notes(report: SourceReport, course: _Course, network: OnnxNetwork | None) -> list[str]:
    notes = [*film_notes(report)]
    if course.crowded > _CROWDED * len(course.rows):
        notes.append("several faces are seen: the largest one is read, whoever that is")
    if network is not None and network.sidecar.sha256 in map(_sha256_of_built_in, built_in_networks()):
        notes.append(
            "this network comes with Mien, and learnt from grown-ups: it has not been tested on infants"
        )
    return notes


def _sha256_of_built_in(name: str) -> str:
    return read_sidecar(sidecar_path(find_network(name))).sha256


def _state_model(
    labels: Sequence[str], courses: str | Path | None, mean_s: float, step_s: float
) -> StateModel:
    if courses is None:
        return lasting(labels, mean_s=mean_s, step_s=step_s)
    read = read_courses(courses, labels, step_s)
    return learned(labels, [each for _, each in read], step_s=step_s)


def _told(
    source: str, rows: list[dict[str, Any]], states: StateModel | None, facts: dict[str, Any]
) -> Infant:
    import pandas as pd

    columns: tuple[str, ...] = _COLUMNS
    if states is not None:
        columns = (
            *columns,
            *(f"p_{label}" for label in states.labels),
            "label",
            "state",
            "state_probability",
        )
    frame = pd.DataFrame(rows, columns=list(columns))
    found: list[Spell] = []
    if states is not None:
        found = _add_states(frame, states)
    step_s = _step_s(frame["time_s"].to_numpy(np.float64), facts["fps"])
    return Infant(
        source, frame, tuple(found), {"source": source} | facts | _summary(frame, found, states, step_s)
    )


def _add_states(frame: pd.DataFrame, states: StateModel) -> list[Spell]:
    """Fill in the states, and return their spells; where no face was read for long, there is none."""
    p = frame[[f"p_{label}" for label in states.labels]].to_numpy(np.float64)
    times_s = frame["time_s"].to_numpy(np.float64)
    names: list[str | None] = [None] * len(frame)
    likely = np.full(len(frame), np.nan)
    for part in seen_parts(times_s, ~np.isnan(p[:, 0])):
        path, chances = states.decode(p[part]), states.posterior(p[part])
        names[part] = [states.labels[place] for place in path]
        likely[part] = chances[np.arange(len(path)), path]
    frame["state"], frame["state_probability"] = names, likely
    return spells(names, times_s, states.step_s, likely)


def seen_parts(times_s: Floats, seen: NDArray[np.bool_]) -> list[slice]:
    """Return the parts of a film in which a face is read, each from the first such frame to the last.

    Args:
        times_s: (n,) rising.
        seen: (n,) whether a face was read.

    Returns:
        Slices, with no gap longer than `LONGEST_GAP_S` between two faces.
    """
    there = np.flatnonzero(seen)
    if not len(there):
        return []
    ends = np.flatnonzero(np.diff(times_s[there]) > LONGEST_GAP_S)
    firsts, lasts = there[np.r_[0, ends + 1]], there[np.r_[ends, len(there) - 1]]
    return [slice(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _step_s(times_s: Floats, fps: float) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / fps


def _summary(
    frame: pd.DataFrame, found: list[Spell], states: StateModel | None, step_s: float
) -> dict[str, Any]:
    """Return lengths and shares; a share is of the frames in which it could be told, None without any."""
    shares = {
        "in_view": _share(frame["in_view"].astype(float)),
        "eyes_open": _share(_above(frame["eye_openness"], OPEN_EYES)),
        "mouth_open": _share(_above(frame["mouth_opening"], OPEN_MOUTH)),
        "smile": _share(_above(frame["smile"], SMILE)),
        "eyes_seen": _share(frame["eye_openness"].notna().astype(float)),
    }
    known: dict[str, Any] = {
        "length_s": round(float(frame["time_s"].iloc[-1]) + step_s, 3),
        "frames": len(frame),
        "shares": shares,
        "movement": {
            "head_median": _median(frame["head_movement"]),
            "picture_median": _median(frame["picture_movement"]),
        },
    }
    if states is None:
        return known
    held_s = sum(each.length_s for each in found)
    told = [each for each in frame["state"] if isinstance(each, str)]
    known["changes"] = {
        "frame_by_frame": changes([each if isinstance(each, str) else None for each in frame["label"]]),
        "states": changes(told),
    }
    known["states"] = {
        label: _of_state([each.length_s for each in found if each.label == label], held_s)
        for label in states.labels
    }
    return known


def _of_state(lengths_s: list[float], held_s: float) -> dict[str, Any]:
    return {
        "spells": len(lengths_s),
        "share": round(sum(lengths_s) / held_s, 4) if held_s else None,
        "mean_s": round(float(np.mean(lengths_s)), 3) if lengths_s else None,
        "longest_s": round(max(lengths_s), 3) if lengths_s else None,
    }


def _above(values: pd.Series[float], least: float) -> pd.Series[float]:
    return (values >= least).where(values.notna()).astype(float)


def _share(values: pd.Series[float]) -> float | None:
    return round(float(values.mean()), 4) if values.notna().any() else None


def _median(values: pd.Series[float]) -> float | None:
    return round(float(values.median()), 4) if values.notna().any() else None
