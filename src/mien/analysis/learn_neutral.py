"""The person's own neutral face in a batch: what was asked for, and learning it before an input is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from mien.errors import ConfigError, SourceError
from mien.expression.personal import Rest

if TYPE_CHECKING:
    from mien.analysis.recorded import Recorded
    from mien.analysis.task import Task
    from mien.config import Settings
    from mien.neutral import Own, OwnFaces, RestMeter
    from mien.pipeline import Pipeline
    from mien.record.subject_face import FindsSubject
    from mien.types import Faces, Frame

Kind = Literal["first", "photo", "auto", "baseline"]

MOST_S: Final = 3600.0
AUTO_HZ: Final = 4.0
"""To find a face at rest by itself, a film is looked through at this rate."""

_FIRST: Final = re.compile(r"first:(\d+(?:\.\d+)?)s?")
_EXPECTED: Final = "expected first:10s, auto, off, or a photograph of the person with a neutral face"


@dataclass(frozen=True, slots=True)
class NeutralChoice:
    """Which neutral face is to be read by.

    Attributes:
        kind: where it comes from.
        asked: as somebody wrote it.
        seconds: of `first`.
        rest: of `photo` and `baseline`, which are the same for each input.
    """

    kind: Kind
    asked: str
    seconds: float = 0.0
    rest: Rest | None = None


def parse_neutral(text: str) -> NeutralChoice | None:
    """Read what somebody wrote; None for "off".

    Raises:
        ConfigError: it is nothing of the kind.
    """
    if text == "off":
        return None
    if text == "auto":
        return NeutralChoice("auto", text)
    if text.startswith("first:"):
        found = _FIRST.fullmatch(text)
        seconds = float(found[1]) if found else 0.0
        if not 1 <= seconds <= MOST_S:
            raise ConfigError(
                f"neutral: expected seconds from 1 to {MOST_S:.0f} as in first:10s, received {text!r}"
            )
        return NeutralChoice("first", text, seconds)
    if not Path(text).is_file():
        raise ConfigError(f"neutral: {_EXPECTED}; received {text!r}, and there is no such file")
    return NeutralChoice("photo", text)


def chosen_neutral(text: str | None, settings: Settings, recorded: Recorded | None) -> NeutralChoice | None:
    """Return which neutral face is to be read by, and look at a photograph at once.

    Args:
        text: as somebody wrote it; None takes the one kept for the subject, where there is one.
        settings: of the run.
        recorded: into whose record inputs go; None into nobody's.

    Returns:
        None for the average one.

    Raises:
        ConfigError: it is nothing of the kind, the photograph does not do, or the network can't.
        SourceError: the photograph can't be read.
    """
    if text is None:
        return None if recorded is None else _kept(settings, recorded)
    neutral = parse_neutral(text)
    if neutral is None:
        return None
    if settings.crops:
        raise ConfigError("neutral: needs whole pictures, in which the face is found; leave out --crops")
    _check_network(settings)
    if neutral.kind != "photo":
        return neutral
    return NeutralChoice("photo", text, rest=rest_of_photograph(text, settings))


def rest_of_photograph(path: str, settings: Settings) -> Rest:
    """Look at a photograph of a neutral face.

    Raises:
        ConfigError: there is no face in it, none that is clearly the largest, or too poor a one.
        SourceError: it can't be read, or is no photograph.
    """
    from mien.neutral import LEAST_QUALITY, PHOTO_S, RestMeter
    from mien.pipeline import Pipeline
    from mien.record.subject_face import clearly_largest
    from mien.source.images import is_photograph, read_image

    if not is_photograph(Path(path)):
        raise SourceError(f"neutral: {path} is not a photograph; {_EXPECTED}")
    image = read_image(path, max_megapixels=settings.max_megapixels)
    with Pipeline(settings.model_copy(update={"threads": settings.threads or 1})) as pipeline:
        faces = pipeline.read(image)
        if not len(faces):
            raise ConfigError(f"neutral: {path} has no face")
        index = clearly_largest(faces)
        if index is None:
            raise ConfigError(
                f"neutral: {path} has {len(faces)} faces of about one size; cut the person's own out of it"
            )
        quality = float(faces.quality[index])
        if not quality >= LEAST_QUALITY:
            raise ConfigError(
                f"neutral: the face in {path} is too poor: expected a quality of at least {LEAST_QUALITY},"
                f" received {quality:.2f}; take one that is larger, sharper, better lit or not turned away"
            )
        meter = RestMeter(pipeline.network)
        meter.see(image, faces[[index]], 0.0)
        return meter.of(PHOTO_S)


def _check_network(settings: Settings) -> None:
    from mien.expression.network import find_network
    from mien.expression.sidecar import read_sidecar, sidecar_path
    from mien.neutral import require_own_neutral

    require_own_neutral(read_sidecar(sidecar_path(find_network(settings.network))))


def _kept(settings: Settings, recorded: Recorded) -> NeutralChoice | None:
    """Return the neutral face that is kept for the subject, where the network is the one that read it."""
    from mien.expression.network import find_network
    from mien.expression.sidecar import read_sidecar, sidecar_path
    from mien.neutral import has_own_neutral
    from mien.record.neutral_faces import kept
    from mien.store.store import Store

    sidecar = read_sidecar(sidecar_path(find_network(settings.network)))
    if settings.crops or not has_own_neutral(sidecar):
        return None
    with Store(recorded.store, create=False) as store:
        rest = kept(store, store.subjects.get(recorded.subject), sidecar.sha256)
    return None if rest is None else NeutralChoice("baseline", f"kept for {recorded.subject}", rest=rest)


class LearntFaces:
    """Reads an input's faces by what was learnt of them, and reports what that was.

    Args:
        faces: reads them.
        facts: for the summary.
    """

    def __init__(self, faces: OwnFaces, facts: dict[str, Any]) -> None:
        self._faces, self._facts = faces, facts
        self.read = faces.read

    def report(self) -> dict[str, Any]:
        """Return all that the summary says of it."""
        return self._facts | self._faces.report()


def learn(task: Task, pipeline: Pipeline, neutral: NeutralChoice, tracks: Sequence[int]) -> LearntFaces:
    """Learn what there is to learn of an input's faces, before it is read.

    Args:
        task: the input.
        pipeline: the stages.
        neutral: what was asked for.
        tracks: which are the subject's; empty takes the face that is alone or clearly the largest.

    Raises:
        SourceError: it can't be read.
    """
    from mien.neutral import Own, OwnFaces, facts_of

    person: Own | None = None
    others: dict[int, Own] = {}
    facts: dict[str, Any] = {"asked": neutral.asked, "from": neutral.kind}
    if neutral.rest is not None:
        person = Own(neutral.rest, neutral.kind)
    elif task.kind == "photograph":
        facts["note"] = "a photograph has no time in which to learn a neutral face"
    elif neutral.kind == "first":
        person, others, facts["note"] = _from_first(task, pipeline, neutral.seconds, tracks)
    else:
        person, facts["sure"], facts["note"] = _by_itself(task, pipeline, tracks)
    decider = pipeline.decider
    facts["person"] = None if person is None else facts_of(decider, person)
    if others:
        facts["tracks"] = {str(track): facts_of(decider, own) for track, own in others.items()}
    return LearntFaces(OwnFaces(decider, person, _face(task, tracks), others), facts)


def _face(task: Task, tracks: Sequence[int]) -> FindsSubject:
    from mien.record.subject_face import GivenTracks, SubjectFace

    if tracks:
        return GivenTracks(tracks)
    return SubjectFace(settle_s=0.0)


def _from_first(
    task: Task, pipeline: Pipeline, seconds: float, tracks: Sequence[int]
) -> tuple[Own | None, dict[int, Own], str]:
    """Learn each face from the first seconds; whose the person's is, is the one most often found there."""
    from mien.neutral import LEAST_S, Own

    meters: dict[int, RestMeter] = {}
    persons: Counter[int] = Counter()
    for frame, faces, index in _followed(task, pipeline, tracks, pipeline.settings.fps):
        if frame.time_s > seconds:
            break
        if index is not None:
            persons[int(faces.track[index])] += 1
        _see(meters, pipeline, frame, faces, range(len(faces)))
    rests = {track: rest for track, meter in meters.items() if (rest := meter.rest()) is not None}
    own = {track: Own(rest, "first") for track, rest in rests.items()}
    person = next((own[track] for track, _ in persons.most_common() if track in own), None)
    if own:
        return person, own, ""
    most_s = max((meter.seconds for meter in meters.values()), default=0.0)
    return None, {}, (
        f"a usable face for only {most_s:.1f} of the first {seconds:g} s, and {LEAST_S:g} s are needed:"
        " the average neutral face was used"
    )  # fmt: skip


def _by_itself(task: Task, pipeline: Pipeline, tracks: Sequence[int]) -> tuple[Own | None, float | None, str]:
    """Look for the person's face at rest in the whole film."""
    from mien.neutral import Own, find_rest

    meters: dict[int, RestMeter] = {}
    rate_hz = min(pipeline.settings.fps or AUTO_HZ, AUTO_HZ)
    for frame, faces, index in _followed(task, pipeline, tracks, rate_hz):
        if index is not None:
            _see(meters, pipeline, frame, faces, [index])
    looks = sorted((look for meter in meters.values() for look in meter.looks), key=lambda timed: timed[0])
    found = find_rest(pipeline.decider, looks)
    person = None if found.rest is None else Own(found.rest, "auto")
    used = found.reason if person is not None else f"{found.reason}: the average neutral face was used"
    return person, None if found.sure is None else round(found.sure, 3), used


def _see(
    meters: dict[int, RestMeter],
    pipeline: Pipeline,
    frame: Frame,
    faces: Faces,
    indices: Sequence[int] | range,
) -> None:
    from mien.neutral import RestMeter

    for index in indices:
        meter = meters.setdefault(int(faces.track[index]), RestMeter(pipeline.network))
        meter.see(frame.image, faces[[index]], frame.time_s)


def _followed(
    task: Task, pipeline: Pipeline, tracks: Sequence[int], fps: float | None
) -> Iterator[tuple[Frame, Faces, int | None]]:
    """Read an input from its start; give each frame, its faces, and the index of the person's."""
    from mien.pipeline import Tally
    from mien.source import open_source

    tally, face, cuts = Tally(), _face(task, tracks), 0
    settings = pipeline.settings
    source = open_source(
        task.where, every=settings.every, fps=fps, name=task.name, max_megapixels=settings.max_megapixels
    )
    with closing(source):
        for frame, faces in pipeline.stream(source, tally):
            if tally.cuts > cuts:
                cuts = tally.cuts
                face.cut()
            yield frame, faces, face.find(faces, frame.time_s, frame.size_wh)
