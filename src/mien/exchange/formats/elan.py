"""An ELAN document: the episodes of expression of each face of one video, on its time."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from mien.exchange.formats.results import Record
from mien.files import written_whole
from mien.labels import EMOTIONS
from mien.mood.episodes import Episode, EpisodeFinder, quick_enough
from mien.mood.series import LONGEST_STEP_S
from mien.table import PROBABILITIES, Columns, Row

_STEPS: Final = 1000
"""Of so many first readings the usual step is told."""


@dataclass(slots=True)
class _Face:
    """What is known of one track as its rows go by."""

    finder: EpisodeFinder = field(default_factory=EpisodeFinder)
    episodes: list[Episode] = field(default_factory=list)
    seen: list[tuple[float, float]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)

    def add(self, time_s: float, probabilities: list[float | None]) -> None:
        if self.seen and 0 < (step := time_s - self.seen[-1][1]) <= LONGEST_STEP_S:
            if len(self.steps) < _STEPS:
                self.steps.append(step)
            self.seen[-1] = (self.seen[-1][0], time_s)
        else:
            self.seen.append((time_s, time_s))
        self.episodes += self.finder.push(time_s, np.array(probabilities, np.float64))

    @property
    def rare(self) -> bool:
        """Whether the face was read too rarely to tell episodes."""
        return not (self.steps and quick_enough(median(self.steps)))

    def finish(self) -> list[Episode]:
        """Return all episodes by onset; none where they can't be told."""
        if self.rare:
            return []
        return sorted([*self.episodes, *self.finder.unfinished()], key=lambda each: each.onset_s)


def write_elan(record: Record, rows: Iterator[Row], columns: Columns, path: Path) -> Iterator[str]:
    """Write one recording for ELAN, with its video linked.

    Each face has the tier `face N`, with an annotation for each episode of expression, and `face N in view`,
    with one for the time it was followed. Episodes that overlap stand on a second tier, `face N (2)`.

    Args:
        record: what is known of the recording.
        rows: its rows.
        columns: of these.
        path: in .eaf.

    Yields:
        What the user should know.

    Raises:
        ModuleNotFoundError: without pympi, which `mien[tables]` brings.
        OutputError: it can't be written.
    """
    from pympi.Elan import Eaf

    faces: dict[int, _Face] = {}
    track, time_s = columns.names.index("track"), columns.names.index("time_s")
    cells: list[int] = [columns.names.index(name) for name in PROBABILITIES]
    for row in rows:
        values: Any = row
        faces.setdefault(values[track], _Face()).add(values[time_s], [values[cell] for cell in cells])

    eaf = Eaf(author="Mien")
    eaf.add_language("eng", None, "English")
    eaf.add_controlled_vocabulary("expressions")
    eaf.add_cv_description("expressions", "eng", "Labels of FER+")
    for label in EMOTIONS:
        eaf.add_cv_entry("expressions", f"cve_{label}", [(label, "eng", None)])
    eaf.add_linguistic_type("expression")
    eaf.linguistic_types["expression"]["CONTROLLED_VOCABULARY_REF"] = "expressions"
    if linked := record.get("path"):
        _link(eaf, Path(linked), path)
    for number, face in sorted(faces.items()):
        for level, episodes in enumerate(_apart(face.finish()), 1):
            name = f"face {number}" if level == 1 else f"face {number} ({level})"
            eaf.add_tier(name, ling="expression", part=f"face {number}")
            for episode in episodes:
                _annotate(eaf, name, episode.onset_s, episode.offset_s, episode.label)
        eaf.add_tier(f"face {number} in view", part=f"face {number}")
        for start_s, end_s in face.seen:
            _annotate(eaf, f"face {number} in view", start_s, end_s, "in view")
    if len(eaf.get_tier_names()) > 1:
        eaf.remove_tier("default")
    with written_whole(path) as temporary:
        temporary.unlink()  # pympi keeps what is there as another file
        eaf.to_file(str(temporary))
    if any(face.rare for face in faces.values()):
        yield (
            f"{record['source']}: a face was read too rarely to find episodes, less than four times a second"
        )


def _apart(episodes: list[Episode]) -> list[list[Episode]]:
    """Share episodes out among tiers so that none of a tier overlap; the first tier is there in any case."""
    tiers: list[list[Episode]] = [[]]
    for each in episodes:
        free = next((tier for tier in tiers if not tier or _ms(tier[-1].offset_s) <= _ms(each.onset_s)), None)
        if free is None:
            tiers.append(free := [])
        free.append(each)
    return tiers


def _annotate(eaf: Any, tier: str, start_s: float, end_s: float, text: str) -> None:
    eaf.add_annotation(tier, _ms(start_s), max(_ms(end_s), _ms(start_s) + 1), text)


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _link(eaf: Any, media: Path, path: Path) -> None:
    kind = mimetypes.guess_type(media.name)[0] or "video/*"
    absolute = media.absolute()
    try:
        relative = Path(os.path.relpath(absolute, path.absolute().parent)).as_posix()
    except ValueError:  # on another drive
        relative = None
    eaf.add_linked_file(absolute.as_uri(), relpath=relative and f"./{relative}", mimetype=kind)
