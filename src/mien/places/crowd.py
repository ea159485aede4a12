"""A crowd: how many faces, and what they show as a group, over the picture and over time.

Faces are found and followed by the pipeline, as anywhere in Mien. Once a second all that are large enough are
read; these readings stay in memory until their interval ends, are counted, and are gone. What is given out is
`Moment`s: of the whole picture and of its cells, each of at least k people. There is no way to ask for one
face, and none is to be added: see docs/crowds.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Unpack

import pandas as pd

from mien.config import Choices, DetectorName, Settings, load_settings
from mien.errors import ConfigError, SourceError
from mien.expression.network import Network, load_network
from mien.face.detect import Detector
from mien.face.detect.tiled import Tiled
from mien.fetch import cached
from mien.files import write_json, written_whole
from mien.pipeline import Pipeline
from mien.places.alarm import WATCHED, Turn, Watch
from mien.places.cells import LEAST_FACES, Cell, Grid, cells, check_least
from mien.places.group import READ_FROM_PX, Group, Readings, by_size, group_of, sizes_px
from mien.places.quantification import Quantifier
from mien.source import open_source
from mien.types import Faces, Frame

LOOK_S: Final = 1.0
"""So far apart are the looks that are counted."""

FPS: Final = 5.0
"""Frames a second that are analysed, where nothing else was chosen: enough to follow faces by."""

INTERVAL_S: Final = 10.0
FALSE_ALARM_HOURS: Final = 1.0

Shown = Callable[[Frame, Faces, "Moment | None"], None]
"""Given each frame with its faces, and the last moment there is: for drawing, which covers the faces."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a crowd showed in one interval.

    Attributes:
        start_s, end_s: of the interval, by the source's clock; a photograph's are 0.
        seen: faces in the look with the most.
        read: those of them that were large enough to be read.
        sizes: those seen, by their size in pixels (`group.SIZES`).
        whole: the whole picture; None where fewer than k were read at any time.
        cells: its parts; together they are the whole.
    """

    start_s: float
    end_s: float
    seen: int
    read: int
    sizes: dict[str, int]
    whole: Group | None
    cells: tuple[tuple[Cell, Group], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "seen": self.seen,
            "read": self.read,
            "sizes": self.sizes,
            "whole": None if self.whole is None else self.whole.as_dict(),
            "cells": [{"cell": cell.name} | group.as_dict() for cell, group in self.cells],
        }


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a photograph, video or camera showed of a crowd.

    Attributes:
        source: its name.
        still: whether it is a photograph.
        moments: by time; a photograph has one.
        turns: changes of mood, in the order in which they were told.
        settings: what it was read with: k, grid, interval, network, detector and others.
    """

    source: str
    still: bool
    moments: tuple[Moment, ...]
    turns: tuple[Turn, ...]
    settings: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; it holds groups only."""
        return {
            "source": self.source,
            "photograph": self.still,
            "settings": self.settings,
            "moments": [each.as_dict() for each in self.moments],
            "turns": [each._asdict() | {"told_s": self.moments[each.told].end_s} for each in self.turns],
        }

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each moment's whole, and for each of its cells: figures of groups only."""
        rows = []
        for moment in self.moments:
            parts = [("all", moment.whole), *((cell.name, group) for cell, group in moment.cells)]
            rows += [_row(moment, name, group) for name, group in parts if group is not None]
        return pd.DataFrame(rows, columns=None if rows else ["start_s", "end_s", "cell", "faces"])

    def save(self, folder: str | Path) -> list[Path]:
        """Write crowd.json and crowd.csv, which hold groups only.

        Args:
            folder: made where it is missing.

        Returns:
            What was written.

        Raises:
            OutputError: it can't be written.
        """
        table, facts = Path(folder) / "crowd.csv", Path(folder) / "crowd.json"
        with written_whole(table) as temporary:
            self.frame.to_csv(temporary, index=False)
        write_json(facts, self.as_dict())
        return [facts, table]


def _row(moment: Moment, name: str, group: Group) -> dict[str, Any]:
    known = group.as_dict()
    figures = known["shares"] | {each: known[each] for each in ("valence", "arousal", "tension")}
    row = {"start_s": moment.start_s, "end_s": moment.end_s, "cell": name, "faces": group.faces}
    for figure, each in figures.items():
        row |= {figure: each["value"], f"{figure}_low": each["low"], f"{figure}_high": each["high"]}
    return row


@dataclass(eq=False)
class Counter:
    """Counts a crowd, frame by frame; what was read is dropped when its interval has been counted.

    Args:
        quantifier: of the network that reads.
        grid: where the picture may be cut.
        least: the fewest faces of which anything is said.
        read_from_px: narrower faces are seen, but not read.
        interval_s: how much is counted together.

    Raises:
        ConfigError: a number is out of range.
    """

    quantifier: Quantifier
    grid: Grid = field(default_factory=Grid)
    least: int = LEAST_FACES
    read_from_px: float = READ_FROM_PX
    interval_s: float = INTERVAL_S
    _looks: list[Readings] = field(default_factory=list)
    _sizes: list[dict[str, int]] = field(default_factory=list)
    _start_s: float | None = None
    _now_s: float = 0.0

    def __post_init__(self) -> None:
        check_least(self.least)
        if not self.interval_s >= LOOK_S:
            raise ConfigError(f"interval: expected at least {LOOK_S:g} s, received {self.interval_s:g}")
        if not self.read_from_px >= READ_FROM_PX:
            raise ConfigError(
                f"faces are read from {READ_FROM_PX} pixels on, received {self.read_from_px:g}: what narrower"
                " faces show, nobody can tell"
            )

    def add(self, frame: Frame, faces: Faces) -> Moment | None:
        """Count the next frame, and return the interval that has ended with it, if one has."""
        ended = None
        if self._start_s is None:
            self._start_s = frame.time_s
        elif frame.time_s >= self._start_s + self.interval_s:
            ended = self._counted(self._start_s + self.interval_s)
            # Where frames are missing for longer than an interval, those between have nothing to be counted.
            self._start_s += self.interval_s * int((frame.time_s - self._start_s) / self.interval_s)
        self._now_s = frame.time_s
        if frame.time_s >= self._start_s + LOOK_S * len(self._looks):
            px = sizes_px(faces)
            self._sizes.append(by_size(px))
            large = faces[px >= self.read_from_px] if len(faces) else faces
            self._looks.append(Readings.of(large, frame.image, len(self._looks), self.quantifier))
        return ended

    def finish(self) -> Moment | None:
        """Return what has been counted of the interval that has not ended; None where there is nothing."""
        return self._counted(self._now_s) if self._looks else None

    def _counted(self, end_s: float) -> Moment:
        readings = Readings.joined(self._looks)
        sizes = max(self._sizes, key=lambda each: sum(each.values()))
        parts = cells(readings.xy, readings.look, self.grid, self.least)
        start_s = self._start_s or 0.0
        self._looks, self._sizes = [], []
        return Moment(
            start_s=start_s,
            end_s=end_s,
            seen=sum(sizes.values()),
            read=readings.most,
            sizes=sizes,
            whole=group_of(readings, self.quantifier) if parts else None,
            cells=tuple(
                (cell, group_of(readings[cell.holds(readings.xy, self.grid)], self.quantifier))
                for cell in parts
            ),
        )


def read_crowd(
    where: str | Path | int,
    *,
    grid: Grid | str = "4x3",
    least: int = LEAST_FACES,
    read_from_px: float = READ_FROM_PX,
    interval_s: float = INTERVAL_S,
    false_alarm_hours: float = FALSE_ALARM_HOURS,
    seconds: float | None = None,
    told: Callable[[Moment, list[Turn]], None] = lambda moment, turns: None,
    shown: Shown = lambda frame, faces, moment: None,
    detector: DetectorName | Detector | None = None,
    network: str | Path | Network | None = None,
    **choices: Unpack[Choices],
) -> Crowd:
    """Read what a crowd shows, as a group.

    Args:
        where: a photograph, a video, a camera or a stream; see `mien.stream`.
        grid: columns and rows by which the picture may be cut into cells.
        least: the fewest faces of a cell, and of a picture, of which anything is said; at least 10.
        read_from_px: narrower faces are counted as seen, but not read; at least 16.
        interval_s: how much of a video is counted together, in seconds.
        false_alarm_hours: one change in so many hours is told though nothing has changed.
        seconds: end after so many seconds of the source's time; None reads it to its end. Ctrl-C ends a
            camera or stream, whatever it has shown until then.
        told: called with each interval when it has ended, and the changes that it has shown.
        shown: called with each frame, for drawing; see `picture.Picture`.
        detector: what finds faces. Left out, YuNet where its file is there, else MTCNN; both in tiles.
        network: what reads them; it must have been calibrated for counting.
        **choices: settings by name, as in `Settings`; `min_face_px` is 16, and `fps` 5, where left out.

    Raises:
        ConfigError: a setting is wrong, or k is too small.
        ModelError: a network is missing, damaged, or was not calibrated for counting.
        SourceError: the source can't be read.

    Example:
        >>> import mien
        >>> crowd = mien.read_crowd("square.jpg")  # doctest: +SKIP
        >>> crowd.moments[0].whole.shares["happiness"]  # doctest: +SKIP
        Interval(value=0.41, low=0.33, high=0.5)
    """
    settings = _settings(detector, network, choices)
    reads = network if not (network is None or isinstance(network, str | Path)) else None
    reads = reads or load_network(settings.network, settings.thread_count)
    counter = Counter(
        Quantifier(reads.sidecar),
        Grid.parse(grid) if isinstance(grid, str) else grid,
        least,
        read_from_px,
        interval_s,
    )
    per_alarm = false_alarm_hours * 3600 / interval_s * len(WATCHED)
    watches = [Watch(measure, per_alarm) for measure in WATCHED]
    source = open_source(
        where, every=settings.every, fps=settings.fps, max_megapixels=settings.max_megapixels
    )
    finds = Tiled(settings) if detector is None or isinstance(detector, str) else detector
    moments: list[Moment] = []
    turns: list[Turn] = []
    still = False

    def take(moment: Moment) -> None:
        moments.append(moment)
        found = list(_turns(watches, len(moments) - 1, moment))
        turns.extend(found)
        told(moment, found)

    with closing(source), Pipeline(settings, detector=finds, network=reads) as pipeline:
        try:
            for frame, faces in pipeline.stream(source):
                still = still or frame.still
                if seconds is not None and frame.time_s > seconds:
                    break
                if (ended := counter.add(frame, faces)) is not None:
                    take(ended)
                shown(frame, faces, moments[-1] if moments else None)
        except KeyboardInterrupt:
            if not source.live:
                raise
        if (last := counter.finish()) is not None:
            take(last)
    if not moments:
        raise SourceError(f"{source.name}: no frame could be read")
    known = {
        "least": least,
        "grid": str(counter.grid),
        "read_from_px": read_from_px,
        "interval_s": interval_s,
        "false_alarm_hours": false_alarm_hours,
        "detector": finds.name,
        "network": {"name": reads.sidecar.name, "sha256": reads.sidecar.sha256},
    }
    return Crowd(source.name, still, tuple(moments), tuple(turns), known)


def _turns(watches: list[Watch], place: int, moment: Moment) -> Iterator[Turn]:
    if moment.whole is None:
        return
    for watch in watches:
        turn = watch.add(place, getattr(moment.whole, watch.measure).value)
        if turn is not None:
            yield turn


def _settings(
    detector: DetectorName | Detector | None, network: str | Path | Network | None, choices: Choices
) -> Settings:
    """Gather the settings; the smallest face, the frame rate and the detector are a crowd's own."""
    own: dict[str, Any] = {"min_face_px": READ_FROM_PX, "fps": None if "every" in choices else FPS}
    own |= choices
    if isinstance(detector, str):
        own["detector"] = detector
    if network is None or isinstance(network, str | Path):
        own["network"] = None if network is None else str(network)
    settings = load_settings(**own)
    if settings.crops:
        raise ConfigError("a crowd is read in pictures of it, and not in face crops: leave out crops")
    if settings.detector == "auto" and (settings.detector_model or cached("yunet")):
        return settings.model_copy(update={"detector": "yunet"})
    return settings
