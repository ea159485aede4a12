"""One input analysed: its rows and its marked copy written as they come, its plot, its record."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image as Pillow

from mien.analysis.partial import PULSE, SIGNALS, SMILES, Partial, Wanted, fingerprint
from mien.analysis.pulse import pulse_table
from mien.analysis.recorded import Kept
from mien.analysis.summary import Census, describe
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.errors import ConfigError, ModelError, OutputError, SourceError, StoreError
from mien.files import written_whole
from mien.measures.measurer import Measurer
from mien.pipeline import Pipeline, Tally
from mien.show.draw import Annotator, draw
from mien.show.video import ClipWriter
from mien.signals.face_pulse import FacePulses
from mien.source import Source, open_source
from mien.table import Columns, rows, table_frame
from mien.types import Faces, Frame

if TYPE_CHECKING:
    from mien.analysis.into_record import Taker
    from mien.analysis.learn_neutral import LearntFaces
    from mien.analysis.signals import BodyBesideFace
    from mien.analysis.smiles import ExpressionCourse

PLOTTED_ROWS = 20_000
"""Of a longer recording, only every n-th frame is plotted: memory stays the same, and nobody sees more."""

Record = dict[str, Any]
Progress = Callable[[float], None]
"""Told how much of an input is done, 0 to 1."""


def attempt(
    task: Task, pipeline: Pipeline, folder: Path, wanted: Wanted, progress: Progress
) -> Record | Failure:
    """Analyse one input, unless its partial result is there; tell, and don't raise, what is wrong with it.

    Args:
        task: the input.
        pipeline: the stages.
        folder: where partial results are kept.
        wanted: what to write beside the rows.
        progress: told how far it is, after every frame.

    Raises:
        ConfigError, ModelError, OutputError: what would stop every other input too.
    """
    try:
        return analyse(task, pipeline, folder, wanted, progress)
    except (ConfigError, ModelError, OutputError):
        raise
    except (SourceError, StoreError) as error:
        return Failure(task.name, str(error))
    except Exception as error:
        # The border of one input: whatever a damaged file does to a decoder, the others are still read.
        reason = f"cannot analyse {task.where}: {type(error).__name__}: {error}"
        return Failure(task.name, reason, traceback.format_exc())


def analyse(task: Task, pipeline: Pipeline, folder: Path, wanted: Wanted, progress: Progress) -> Record:
    """Analyse one input, unless its partial result is there already.

    Returns:
        Its record in the summary.

    Raises:
        SourceError: it can't be read.
        StoreError: it can't go into the subject's record.
        OutputError: a result can't be written.
    """
    partial = Partial.of(task, folder, wanted)
    stamp = fingerprint(task, pipeline.settings, wanted, pipeline.network.sidecar.sha256)
    record = partial.load(stamp)
    if record is None:
        record = _read(task, pipeline, partial, wanted, progress)
        partial.save(stamp, record)
    return record


def _read(task: Task, pipeline: Pipeline, partial: Partial, wanted: Wanted, progress: Progress) -> Record:
    tally, census, kept = Tally(), Census(), Kept()
    settings = pipeline.settings
    with ExitStack() as stack:
        source = stack.enter_context(
            closing(
                open_source(
                    task.where,
                    every=settings.every,
                    fps=settings.fps,
                    name=task.name,
                    max_megapixels=settings.max_megapixels,
                )
            )
        )
        mark = stack.enter_context(_marker(task, partial)) if wanted.annotate else None
        write_rows = stack.enter_context(partial.new_rows(wanted.columns))
        pulse = stack.enter_context(pulse_table(partial.path(PULSE))) if PULSE in partial.pictures else None
        body = _body(wanted, partial, source)
        pulses = None if pulse is None and body is None else FacePulses()
        course = _course(partial)
        measurer = Measurer() if wanted.columns.measures else None
        own = _own_faces(task, pipeline, wanted)
        taker = stack.enter_context(_into_record(wanted, task, source, settings, tally, kept))
        for frame, faces in pipeline.stream(source, tally):
            if own is not None:
                faces = own.read(frame, faces, tally.cuts)
            if measurer is not None:
                faces = measurer.measure(faces, frame.time_s)
            write_rows(rows(frame, faces, wanted.columns))
            census.count(faces)
            readings = [] if pulses is None else pulses.read(frame, faces)
            if pulse is not None:
                pulse.take(readings)
            if body is not None:
                body.take(frame.time_s, faces, readings)
            if course is not None:
                course.take(frame.time_s, faces)
            if taker is not None:
                taker.take(frame, faces, () if pulse is None else readings)
            if mark is not None:
                mark(frame, faces)
            progress(min(1.0, frame.time_s / (source.report.duration_s or 1.0)))
        beside = None if body is None else body.finish(partial.path(SIGNALS), course)
        if taker is not None:
            taker.end(body)
    record = describe(task, source.report, tally, census) | kept.as_record()
    if pulse is not None:
        record["pulse"] = pulse.report()
    if beside is not None:
        record["signals"] = beside
    if course is not None:
        record["smiles"] = _smiles(partial, course, body)
    if own is not None:
        record["neutral"] = own.report()
    if ".png" in partial.pictures:
        _plot(partial, record, settings, wanted.columns)
    return record


def _body(wanted: Wanted, partial: Partial, source: Source) -> BodyBesideFace | None:
    if wanted.signals is None or SIGNALS not in partial.pictures:
        return None
    # Imported here: who has no signals does not wait for SciPy.
    from mien.analysis.signals import BodyBesideFace

    return BodyBesideFace(wanted.signals, source.report.duration_s)


def _course(partial: Partial) -> ExpressionCourse | None:
    if SMILES not in partial.pictures:
        return None
    # Imported here: who measures nothing does not wait for SciPy.
    from mien.analysis.smiles import ExpressionCourse

    return ExpressionCourse()


def _smiles(partial: Partial, course: ExpressionCourse, body: BodyBesideFace | None) -> Record:
    from mien.analysis.smiles import write_smiles

    return write_smiles(partial.path(SMILES), course, None if body is None else body.beside)


def _own_faces(task: Task, pipeline: Pipeline, wanted: Wanted) -> LearntFaces | None:
    if wanted.neutral is None:
        return None
    # Imported here: who reads everybody alike does not wait for it.
    from mien.analysis.learn_neutral import learn

    return learn(task, pipeline, wanted.neutral, wanted.recorded.tracks if wanted.recorded else ())


def _into_record(
    wanted: Wanted, task: Task, source: Source, settings: Settings, tally: Tally, kept: Kept
) -> AbstractContextManager[Taker | None]:
    if wanted.recorded is None:
        return nullcontext()
    # Imported here: who keeps no record does not wait for a database.
    from mien.analysis.into_record import recording

    return recording(wanted.recorded, task, source, settings, tally, kept)


def _plot(partial: Partial, record: Record, settings: Settings, columns: Columns) -> None:
    # Imported here: who has only photographs does not wait for pandas and matplotlib.
    from mien.recording import draw_timeline
    from mien.show.timeline import save_figure

    step = settings.every * max(1, math.ceil(record["rows"] / PLOTTED_ROWS))
    table = table_frame(partial.rows(columns, every=step), columns)
    save_figure(draw_timeline(table, record), partial.path(".png"))


def _marker(task: Task, partial: Partial) -> AbstractContextManager[Mark]:
    if task.kind == "photograph":
        return marked_photograph(partial.path(".jpg"))
    path = Path(task.where)
    return marked_clip(partial.path(".mp4"), path if path.is_file() else None)


Mark = Callable[[Frame, Faces], None]
"""Takes a frame and what was read in it."""

_JPEG_QUALITY = 92


@contextmanager
def marked_photograph(path: Path) -> Iterator[Mark]:
    """Write a photograph with its faces marked.

    Args:
        path: its name, in .jpg.

    Yields:
        What takes the one frame.

    Raises:
        OutputError: it can't be written.
    """

    def mark(frame: Frame, faces: Faces) -> None:
        # In memory first: writing to a file itself, Pillow doesn't see that a full disk took only a part.
        jpeg = BytesIO()
        Pillow.fromarray(draw(frame.image, faces)).save(jpeg, "jpeg", quality=_JPEG_QUALITY)
        with written_whole(path) as temporary:
            temporary.write_bytes(jpeg.getvalue())

    yield mark


@contextmanager
def marked_clip(path: Path, sound_from: Path | None) -> Iterator[Mark]:
    """Write a clip with the faces marked; it stands under its name when the block ends well.

    Args:
        path: its name, in .mp4.
        sound_from: the video whose sound is kept.

    Yields:
        What takes each frame, in order.

    Raises:
        OutputError: it can't be written.
    """
    annotator = Annotator()
    with ExitStack() as stack:
        clip: ClipWriter | None = None

        def mark(frame: Frame, faces: Faces) -> None:
            nonlocal clip
            if clip is None:
                clip = stack.enter_context(ClipWriter(path, frame.size_wh, sound_from=sound_from))
            clip.write(annotator.draw(frame.image, faces), frame.time_s)

        yield mark
