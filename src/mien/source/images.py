"""Photographs: any picture that Pillow reads becomes upright RGB."""

from __future__ import annotations

import importlib
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from mien.errors import SourceError
from mien.install import extras_command
from mien.source.base import SourceReport, check_file
from mien.types import Frame, Image

# Named one by one: Pillow knows others that run outside programs (EPS) or hold no picture at all (GRIB).
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")

# The "brands" in the first bytes of a HEIC file (ISO/IEC 23008-12, annex B).
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# What Pillow's decoders raise on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, RuntimeError, EOFError, struct.error)

# EXIF's orientations, and what makes each upright. Pillow's own exif_transpose writes the EXIF data anew as
# well, and fails where another tag is damaged.
_UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def read_image(source: Path | str | bytes) -> Image:
    """Read a photograph as one sees it: upright, in colour, eight bits.

    EXIF rotation is applied; grey, palette and CMYK become RGB; what is transparent becomes white; 16 bits
    are scaled to 8, and deeper or floating-point pictures from their darkest to their brightest. Of an
    animation the first picture counts.

    Args:
        source: a picture's file, whatever its suffix, or its bytes. HEIC needs the pillow-heif package.

    Returns:
        uint8 RGB, shape (height, width, 3), read-only.

    Raises:
        SourceError: the file is missing, empty, damaged, too large, or no picture.
    """
    if isinstance(source, bytes):
        path, start = Path("picture"), source
    else:
        path = Path(source)
        start = check_file(path)
    if _is_heic(start):
        _learn_heic(path)
    try:
        with _opened(BytesIO(source) if isinstance(source, bytes) else path) as picture:
            image = _rgb(_upright(picture))
    except Pillow.DecompressionBombError as error:
        limit = 2 * (Pillow.MAX_IMAGE_PIXELS or 0) // 10**6
        raise SourceError(
            f"{path}: expected at most {limit} million pixels, received a larger picture; scale it down"
        ) from error
    except UnidentifiedImageError as error:
        raise SourceError(
            f"{path}: expected a picture (JPEG, PNG, TIFF...), received something else; export it as JPEG"
        ) from error
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SourceError(f"{path}: the picture is damaged or cut off ({reason}); copy it again") from error
    image.flags.writeable = False
    return image


def is_photograph(path: Path) -> bool:
    """Say whether a file begins like a picture, whatever its suffix.

    Raises:
        SourceError: it is missing, a folder, empty, or may not be read.
    """
    if _is_heic(check_file(path)):
        return True
    try:
        with _opened(path):
            return True
    except Pillow.DecompressionBombError:
        return True
    except _DAMAGE:
        return False


class PhotographSource:
    """One photograph, as a source with one frame.

    Args:
        path: the file.
        name: what `Frame.source` says; the file's name when None.

    Raises:
        SourceError: it can't be read; see `read_image`.
    """

    live = False

    def __init__(self, path: Path | str, *, name: str | None = None) -> None:
        self.name = name or Path(path).name
        self._image: Image | None = read_image(path)
        height, width = self._image.shape[:2]
        self.report = SourceReport(frames_read=1, size_wh=(width, height))

    def frames(self) -> Iterator[Frame]:
        """Give the one frame, once."""
        image, self._image = self._image, None
        if image is not None:
            self.report.frames_given = 1
            yield Frame(image, index=0, time_s=0.0, source=self.name)

    def close(self) -> None:
        """Let go of the picture."""
        self._image = None


@contextmanager
def _opened(file: Path | BytesIO) -> Iterator[Pillow.Image]:
    formats = (*_FORMATS, "HEIF") if "HEIF" in Pillow.OPEN else _FORMATS
    # Pillow warns of damaged EXIF data, and of sizes at half its limit, in pictures that it then reads well.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Pillow.open(file, formats=formats) as picture:
            yield picture


def _is_heic(start: bytes) -> bool:
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS


def _learn_heic(path: Path) -> None:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise SourceError(f"{path}: HEIC needs one more package: {extras_command('heic')}") from error


def _upright(picture: Pillow.Image) -> Pillow.Image:
    method = _UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if method is None else picture.transpose(method)


def _rgb(picture: Pillow.Image) -> Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return np.repeat(_eight_bits(np.asarray(picture))[:, :, None], 3, axis=2)
    return np.array(_on_white(picture).convert("RGB"))


def _on_white(picture: Pillow.Image) -> Pillow.Image:
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "white"), layer)


def _eight_bits(deep: NDArray[Any]) -> Image:
    values = np.where(np.isfinite(deep), deep, 0).astype(np.float64)
    is_16_bit = deep.dtype.itemsize == 2
    low, high = (0.0, 65535.0) if is_16_bit else (values.min(), values.max())
    return np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
