"""The loop: the one place that knows the order of the stages.

source -> face (find, follow, crop, quality) -> expression; with a network that finds landmarks, the same look
that reads an expression says where the face is, and so follows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Final, Unpack

import cv2
import numpy as np
from PIL import Image as Pillow

from mien.config import Choices, DetectorName, Settings, load_settings
from mien.expression.decision import Decider
from mien.expression.network import Network, load_network
from mien.expression.reader import ExpressionReader
from mien.face.crop import whole_image_as_face
from mien.face.detect import Detector, make_detector
from mien.face.track import Tracker
from mien.face_reader import FaceReader
from mien.processors import usable_cores
from mien.source import Source, open_source
from mien.types import Faces, Frame, Image

STAGES: Final = ("decode", "find", "quality", "crop", "expression")
"""The stages whose time is kept; as video is decoded ahead, `decode` is the wait for the next frame.

Where the network finds landmarks, `expression` follows the faces too.
"""


@dataclass
class Tally:
    """What went through the loop: counts, coverage, and the time spent in each stage.

    Attributes:
        frames: frames analysed.
        frames_with_face: how many of them had a face.
        seconds: wall-clock time per stage.
        detections: how often a detector looked all over the picture.
        cuts: cuts noticed in the film.
    """

    frames: int = 0
    frames_with_face: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    detections: int = 0
    cuts: int = 0
    _spanned_s: float = 0.0
    _covered_s: float = 0.0
    _last: tuple[float, bool] | None = None
    _stage: str | None = None
    _since_s: float = 0.0

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage's; a stage within another has its time for itself."""
        outer = self._turn_to(stage)
        try:
            yield
        finally:
            self._turn_to(outer)

    def _turn_to(self, stage: str | None) -> str | None:
        """Start a stage's clock, or none, and return the one that was running."""
        now_s, last = perf_counter(), self._stage
        if last is not None:
            self.seconds[last] += now_s - self._since_s
        self._stage, self._since_s = stage, now_s
        return last

    def count(self, time_s: float, faces: Faces) -> None:
        """Count one analysed frame; times come in rising order."""
        self.frames += 1
        self.frames_with_face += len(faces) > 0
        if self._last is not None:
            last_s, was_read = self._last
            self._spanned_s += time_s - last_s
            self._covered_s += (time_s - last_s) * was_read
        self._last = time_s, bool(np.isfinite(faces.confidence).any())

    @property
    def coverage(self) -> float | None:
        """Share of the time with a face read, 0 to 1; None before the first frame.

        A frame stands for the time until the next one, and the last for the mean of the others.
        """
        if self._last is None:
            return None
        last_s = self._spanned_s / (self.frames - 1) if self._spanned_s else 1.0
        return (self._covered_s + last_s * self._last[1]) / (self._spanned_s + last_s)


class Pipeline:
    """The stages, made once and used for any number of sources; not by two threads at a time.

    Args:
        settings: what to find and with which networks.
        detector: finds faces, instead of the one that the settings name.
        network: reads expressions, instead of the one that the settings name.

    Raises:
        ModelError: a network is missing, damaged or of another kind.
    """

    def __init__(
        self, settings: Settings, *, detector: Detector | None = None, network: Network | None = None
    ) -> None:
        self.settings = settings
        if cv2.getNumThreads() > (cores := usable_cores()):  # OpenCV knows no quota of a control group (v2)
            cv2.setNumThreads(cores)
        self.network = network or load_network(settings.network, settings.thread_count)
        self.detector = None if settings.crops else detector or make_detector(settings)
        self._reader = ExpressionReader(self.network, settings.prior)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def decider(self) -> Decider:
        """What turns the network's answers into labels."""
        return self._reader.decider

    def close(self) -> None:
        """Let the detector go."""
        if self.detector is not None:
            self.detector.close()

    def stream(self, source: Source, tally: Tally | None = None) -> Iterator[tuple[Frame, Faces]]:
        """Read a source to its end, and close it, also when the caller stops early.

        Args:
            source: where the frames come from.
            tally: counts along, if given.

        Yields:
            Each analysed frame and the faces in it.

        Raises:
            SourceError: the source can't be read.
        """
        tally = tally if tally is not None else Tally()
        look = self._look(tally)
        with closing(source):
            frames = iter(source.frames())
            while True:
                with tally.timed("decode"):
                    frame = next(frames, None)
                if frame is None:
                    return
                faces = look(frame)
                tally.count(frame.time_s, faces)
                yield frame, faces

    def read(self, image: Image) -> Faces:
        """Read one image, uint8 RGB of shape (height, width, 3).

        Raises:
            TypeError: it is no array; `mien.read` takes other pictures.
            ValueError: the array is no such image.
        """
        return self._look(Tally())(Frame(image, 0, 0.0, "image", still=True))

    def _look(self, tally: Tally) -> Callable[[Frame], Faces]:
        """Return what finds and reads the faces of one source, frame by frame."""
        reader = FaceReader(self.network, self._reader, tally.timed)
        if self.detector is None:
            return lambda frame: reader.read_whole(frame.image, whole_image_as_face(frame).fill(track=[0]))
        follows = self.network.sidecar.finds_landmarks
        tracker = Tracker(
            self.detector,
            reader if follows else None,
            redetect_s=self.settings.redetect_s,
            max_gap_s=self.settings.max_gap_s,
        )

        def look(frame: Frame) -> Faces:
            with tally.timed("find"):
                faces = tracker.follow(frame)
            tally.detections, tally.cuts = tracker.detections, tracker.cuts
            return faces if follows or not len(faces) else reader.read(frame.image, faces)

        return look


def stream(
    where: str | Path | int,
    *,
    detector: DetectorName | Detector | None = None,
    network: str | Path | Network | None = None,
    **choices: Unpack[Choices],
) -> Iterator[tuple[Frame, Faces]]:
    """Read a photograph, video or camera, frame by frame.

    Args:
        where: a file, "camera:0" or 0, or "portrait".
        detector: what finds faces, by name, or any object that is a `Detector`; you close it.
        network: what reads them, by name or path, or any object that is a `Network`; you close it.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Yields:
        Each analysed frame and the faces in it, as they come. Frames without a face come too.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a network is missing or damaged.
        SourceError: the source can't be read.

    Example:
        >>> import mien
        >>> for frame, faces in mien.stream("session.mp4", every=5):  # doctest: +SKIP
        ...     print(f"{frame.time_s:.1f} s", faces.labels)
    """
    pipeline, ours = make_pipeline(detector, network, choices)
    chosen = pipeline.settings
    try:
        yield from pipeline.stream(
            open_source(where, every=chosen.every, fps=chosen.fps, max_megapixels=chosen.max_megapixels)
        )
    finally:
        if ours:
            pipeline.close()


def read(
    image: Image | Pillow.Image | str | Path | bytes,
    *,
    detector: DetectorName | Detector | None = None,
    network: str | Path | Network | None = None,
    **choices: Unpack[Choices],
) -> Faces:
    """Read the faces in one image.

    Args:
        image: uint8 RGB of shape (height, width, 3); a photograph's path, or its bytes; or an image of
            Pillow's, which is made upright as a file is. Of several pictures in one file the first counts.
        detector: what finds faces, by name, or any object that is a `Detector`; you close it.
        network: what reads them, by name or path, or any object that is a `Network`; you close it.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Returns:
        The faces with their expressions, to go through one by one or to take arrays from; `Faces.empty()`
        where there is none.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a network is missing or damaged.
        SourceError: the photograph can't be read, or is larger than `max_megapixels`.
        TypeError: it is nothing of the kind.
        ValueError: the array is no such image.

    Example:
        >>> import mien
        >>> for face in mien.read("family.jpg"):  # doctest: +SKIP
        ...     print(face.label, face.confidence)
    """
    settings, own_detector, own_network = _chosen(detector, network, choices)
    pixels = _pixels(image, settings)
    with _reading:
        return _kept.pipeline(settings, own_detector, own_network).read(pixels)


def _pixels(image: object, settings: Settings) -> Image:
    if isinstance(image, str | os.PathLike):
        with closing(open_source(os.fspath(image), max_megapixels=settings.max_megapixels)) as source:
            return next(iter(source.frames())).image
    from mien.source.images import as_image  # Pillow, which who brings an array may not need

    return as_image(image, max_megapixels=settings.max_megapixels)


def make_pipeline(
    detector: DetectorName | Detector | None, network: str | Path | Network | None, choices: Choices
) -> tuple[Pipeline, bool]:
    """Make a pipeline as the public functions are told.

    Args:
        detector: a name, an object, or None.
        network: a name or path, an object, or None.
        choices: the other settings.

    Returns:
        The pipeline, and whether it is ours to close: not where it has somebody's own detector.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a network is missing or damaged.
    """
    settings, own_detector, own_network = _chosen(detector, network, choices)
    return Pipeline(settings, detector=own_detector, network=own_network), own_detector is None


def _chosen(
    detector: DetectorName | Detector | None, network: str | Path | Network | None, choices: Choices
) -> tuple[Settings, Detector | None, Network | None]:
    """Return the settings, and the detector and network where these are objects and not names."""
    own_detector = None if detector is None or isinstance(detector, str) else detector
    own_network = None if network is None or isinstance(network, str | Path) else network
    settings = load_settings(
        **choices,
        detector=None if own_detector else detector,
        network=None if own_network or network is None else str(network),
    )
    return settings, own_detector, own_network


class _Kept:
    """The last pipeline of `read`: loading the networks takes far longer than reading one image."""

    def __init__(self) -> None:
        self._made: tuple[Settings, Detector | None, Network | None, Pipeline] | None = None

    def pipeline(self, settings: Settings, detector: Detector | None, network: Network | None) -> Pipeline:
        # Somebody's own parts are compared by identity: they need be neither equal nor hashable.
        if (
            self._made
            and self._made[0] == settings
            and self._made[1] is detector
            and self._made[2] is network
        ):
            return self._made[3]
        made = Pipeline(settings, detector=detector, network=network)
        self._made = settings, detector, network, made
        return made


_kept, _reading = _Kept(), Lock()
