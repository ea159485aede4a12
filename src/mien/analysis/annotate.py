"""Copies of what was read with the faces marked: each frame bears what the table says of it, unsmoothed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image as Pillow

from mien.files import written_whole
from mien.show.draw import Annotator, draw
from mien.show.video import ClipWriter
from mien.types import Faces, Frame

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
