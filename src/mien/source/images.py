"""The one door for pictures: whatever Pillow reads becomes upright RGB, and costs no more than is allowed.

Photographs, uploads, the cells of a data set and Pillow's own objects come in here. A picture's size is
looked at before it is decoded, its colours are made a band of rows at a time, and whatever a damaged file
does to a decoder is told in one line.
"""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from mien.config import LEAST_MEGAPIXELS, load_settings
from mien.errors import MienError, SourceError
from mien.install import extras_command
from mien.source.base import check_file
from mien.types import Image

# Named one by one: Pillow knows others that run outside programs (EPS) or hold no picture at all (GRIB).
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")

# The "brands" in the first bytes of a HEIC file (ISO/IEC 23008-12, annex B).
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

_ANIMATED: Final = ("GIF", "PNG", "WEBP", "AVIF")
_PAGED: Final = ("TIFF", "HEIF")
"""What may hold several pictures. MPO holds the same view again, and other data."""
_SMALLER_COPY_OR_MASK: Final = 0b101
"""Of a TIFF page's NewSubfileType."""

_SHORTEST_MS, _USUAL_MS = 11, 100
"""A picture of an animation that is to be shown for less than the first is shown for the second, as browsers
have it."""

_MOST_SCANS: Final = 16
"""Of a progressive JPEG of the largest size: each scan goes over the whole picture. Ten are usual."""

_MOST_TEXT_MEGAPIXELS: Final = 4.0
"""Of a PPM in digits, which is read at less than a million pixels a second."""

_BAND_PIXELS: Final = 1 << 20
_DEPTHS: Final = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners use of 16."""

# EXIF's orientations, and what makes each upright. Pillow's own exif_transpose writes the EXIF data anew as
# well, and fails where another tag is damaged.
_UPRIGHT: Final[dict[int, Callable[[NDArray[Any]], NDArray[Any]]]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image[::-1].swapaxes(0, 1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: image[:, ::-1].swapaxes(0, 1),
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of a file.

    Attributes:
        image: uint8 RGB, shape (height, width, 3), upright, read-only.
        lasts_s: how long an animation shows it, in seconds; None for a page, or the only picture.
    """

    image: Image
    lasts_s: float | None


def read_image(source: Path | str | bytes, *, max_megapixels: float | None = None) -> Image:
    """Read a photograph as one sees it: upright, in colour, eight bits.

    EXIF rotation is applied; grey, palette and CMYK become RGB; what is transparent becomes white. 16 bits
    are scaled to 8 by how many of them the picture uses (8, 10, 12, 14 or 16); deeper and floating-point
    pictures go from their darkest to their brightest. Of an animation the first picture counts.

    Args:
        source: a picture's file, whatever its suffix, or its bytes. HEIC needs the pillow-heif package.
        max_megapixels: how many million pixels it may have; None as the settings say.

    Returns:
        uint8 RGB, shape (height, width, 3), read-only.

    Raises:
        SourceError: the file is missing, empty, damaged, too large, or no picture.
    """
    with closing(read_pictures(source, max_megapixels=max_megapixels)) as pictures:
        return next(pictures).image


def read_pictures(source: Path | str | bytes, *, max_megapixels: float | None = None) -> Generator[Picture]:
    """Read the pictures of a file one by one, each as `read_image` does: animations, pages, or the only one.

    A TIFF's smaller copies of its pages are left out. Arguments and errors as in `read_image`; where a later
    picture is damaged, those before it have been given.
    """
    where, start = (Path("picture"), source[:16]) if isinstance(source, bytes) else _looked_at(Path(source))
    if _is_heic(start):
        _learn_heic(where)
    with _opened(source, where) as picture:
        index = 0
        while _turn_to(picture, index, where):
            if not _is_smaller_copy(picture):
                yield Picture(_decode(picture, where, max_megapixels, source, index), _lasts_s(picture))
            index += 1


def as_image(picture: object, *, max_megapixels: float | None = None) -> Image:
    """Take a picture in any of the forms in which Python hands it over.

    Args:
        picture: uint8 RGB of shape (height, width, 3), which is given back as it is; an image of Pillow's; a
            photograph's path, or its bytes.
        max_megapixels: as in `read_image`.

    Raises:
        SourceError: it can't be decoded, or is too large.
        TypeError: it is nothing of the kind.
    """
    if isinstance(picture, np.ndarray):
        return picture
    if isinstance(picture, Pillow.Image):
        return _decode(picture, Path("picture"), max_megapixels, index=picture.tell())
    if isinstance(picture, bytes):
        return read_image(picture, max_megapixels=max_megapixels)
    if isinstance(picture, str | os.PathLike):
        return read_image(Path(picture), max_megapixels=max_megapixels)
    raise TypeError(
        "expected a picture: a path, a file's bytes, a Pillow image, or a uint8 RGB array of shape"
        f" (height, width, 3); received {type(picture).__name__}"
    )


def is_photograph(path: Path) -> bool:
    """Return whether a file begins like a picture, whatever its suffix.

    Raises:
        SourceError: it is missing, a folder, empty, or may not be read.
    """
    if _is_heic(check_file(path)):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Pillow.open(path, formats=_formats()).close()
        except Pillow.DecompressionBombError:
            return True
        except Exception:  # whatever a decoder makes of it, it is no picture that we could read
            return False
    return True


def _looked_at(path: Path) -> tuple[Path, bytes]:
    return path, check_file(path)


def _formats() -> tuple[str, ...]:
    return (*_FORMATS, "HEIF") if "HEIF" in Pillow.OPEN else _FORMATS


@contextmanager
def _opened(source: Path | str | bytes, where: Path) -> Iterator[Pillow.Image]:
    # Never by its name: Pillow then maps some TIFFs into memory, and turned ones come out scrambled.
    with BytesIO(source) if isinstance(source, bytes) else where.open("rb") as file:
        with _in_one_line(where):
            picture = Pillow.open(file, formats=_formats())
        with picture:
            yield picture


@contextmanager
def _in_one_line(where: Path) -> Iterator[None]:
    """Raise whatever goes wrong in a decoder as a `SourceError`."""
    # Pillow warns of damaged EXIF data, and of sizes at half its limit, in pictures that it then reads well.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except MienError:
            raise
        except Pillow.DecompressionBombError as error:
            raise _too_large(where, "a larger picture", None) from error
        except UnidentifiedImageError as error:
            raise SourceError(
                f"{where}: expected a picture (JPEG, PNG, TIFF...), received something else;"
                " export it as JPEG"
            ) from error
        except MemoryError as error:
            raise SourceError(f"{where}: needs more memory than is available; scale it down") from error
        except Exception as error:
            # Decoders raise whatever comes to them: of Pillow's there have been TypeError and KeyError.
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise SourceError(
                f"{where}: the picture is damaged or cut off ({reason}); copy it again"
            ) from error


def _too_large(where: Path, received: str, limit: float | None) -> SourceError:
    limit = limit or load_settings().max_megapixels
    return SourceError(
        f"{where}: expected at most {limit:g} million pixels, received {received}; scale it down, or raise"
        " the setting max_megapixels"
    )


def _check_size(picture: Pillow.Image, where: Path, limit: float | None) -> None:
    megapixels = picture.width * picture.height / 1e6
    if megapixels <= LEAST_MEGAPIXELS:  # no limit is below, and asking the settings takes a while
        return
    limit = limit or load_settings().max_megapixels
    if megapixels > limit:
        received = f"{picture.width} x {picture.height} ({megapixels:.0f} million)"
        raise _too_large(where, received, limit)


def _check_effort(picture: Pillow.Image, where: Path, data: bytes, limit: float | None) -> None:
    """Refuse what takes minutes to decode: JPEGs that go over the picture again and again, and text."""
    megapixels = picture.width * picture.height / 1e6
    scans = data.count(b"\xff\xda") if picture.info.get("progressive") else 0
    if scans > _MOST_SCANS and scans * megapixels > _MOST_SCANS * (limit or load_settings().max_megapixels):
        raise SourceError(
            f"{where}: a progressive JPEG of {scans} scans, which takes too long to decode; export it again"
        )
    if _codec(picture) == "ppm_plain" and megapixels > _MOST_TEXT_MEGAPIXELS:
        raise SourceError(
            f"{where}: expected at most {_MOST_TEXT_MEGAPIXELS:g} million pixels written as text, received"
            f" {megapixels:.0f}; save it as PNG"
        )


def _is_heic(start: bytes) -> bool:
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS


def _learn_heic(path: Path) -> None:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise SourceError(f"{path}: HEIC needs another package: {extras_command('heic')}") from error


def _turn_to(picture: Pillow.Image, index: int, where: Path) -> bool:
    """Go to another picture of the file; return whether there is one."""
    if not index:
        return True
    with _in_one_line(where):
        if not _is_animated(picture):
            return False
        try:
            picture.seek(index)
        except EOFError:
            return False
    return True


def _is_smaller_copy(picture: Pillow.Image) -> bool:
    kind = getattr(picture, "tag_v2", {}).get(ExifTags.Base.NewSubfileType, 0)
    return isinstance(kind, int) and bool(kind & _SMALLER_COPY_OR_MASK)


def _lasts_s(picture: Pillow.Image) -> float | None:
    if picture.format not in _ANIMATED or not _is_animated(picture):
        return None
    lasts_ms = picture.info.get("duration", 0)
    return (lasts_ms if lasts_ms >= _SHORTEST_MS else _USUAL_MS) / 1000


def _is_animated(picture: Pillow.Image) -> bool:
    try:
        return picture.format in (*_ANIMATED, *_PAGED) and bool(getattr(picture, "is_animated", False))
    except Exception:  # of a damaged second picture, the first is told all the same
        return False


def _decode(
    picture: Pillow.Image,
    where: Path,
    limit: float | None,
    source: Path | str | bytes | None = None,
    index: int = 0,
) -> Image:
    """Decode the picture that a file is turned to, upright, in bands of rows."""
    _check_size(picture, where, limit)
    with _in_one_line(where):
        data = _bytes_of(picture, source)
        _check_effort(picture, where, data, limit)
        whole = _netpbm(picture, data) if data and _codec(picture) == "ppm" else None
        is_deep = bool(data) and _has_deep_colours(picture)
        if whole is None:
            picture.load()
        if is_deep:
            whole = _deep_colours(picture, data, index)
        # Asked after loading, which turns a TIFF upright, as OpenCV does; a PNG may learn of it only then.
        orientation = _orientation(picture)
        image = _rgb(whole or picture)
        if orientation in _UPRIGHT:
            image = np.ascontiguousarray(_UPRIGHT[orientation](image))
    image.flags.writeable = False
    return image


def _codec(picture: Pillow.Image) -> str:
    """Return the name of the decoder of an undecoded picture."""
    tiles = getattr(picture, "tile", None)
    return str(tiles[0].codec_name) if tiles else ""


def _bytes_of(picture: Pillow.Image, source: Path | str | bytes | None) -> bytes:
    """Read the file where more than Pillow's own look at it is needed."""
    needed = picture.info.get("progressive") or _has_deep_colours(picture) or _codec(picture) == "ppm"
    if needed and source is None and (file := getattr(picture, "fp", None)) is not None:
        before = file.tell()  # opened with Pillow by the caller, who may go on with it
        file.seek(0)
        source = file.read()
        file.seek(before)
    if not needed or source is None:
        return b""
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _orientation(picture: Pillow.Image) -> int:
    try:
        found = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata: the picture itself may be whole
        return 1
    return found if isinstance(found, int) else 1


def _rgb(picture: Pillow.Image) -> Image:
    image = np.empty((picture.height, picture.width, 3), np.uint8)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        grey = _grey_of_deep(picture)
        for rows, band in _bands(picture):
            image[rows] = grey(np.asarray(band))[:, :, None]
    else:
        for rows, band in _bands(picture):
            image[rows] = np.asarray(_on_white(band).convert("RGB"))
    return image


def _bands(picture: Pillow.Image) -> Iterator[tuple[slice, Pillow.Image]]:
    """Yield a picture in parts, so that no copy of the whole is made on the way."""
    rows = max(1, _BAND_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        yield slice(top, bottom), picture.crop((0, top, picture.width, bottom))


def _on_white(picture: Pillow.Image) -> Pillow.Image:
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "white"), layer)


def _grey_of_deep(picture: Pillow.Image) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """Find out how a grey picture of more than eight bits, or of fractions, is scaled to eight."""
    ranges = [_range(np.asarray(band)) for _, band in _bands(picture)]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if picture.mode.startswith("I;16") or picture.format == "PPM":  # whose 16 bits Pillow calls I
        low, high = 0.0, _used(high)
    elif not low < high:
        low, high = 0.0, np.inf
    # Pillow knows that white is 0 in some TIFFs, and heeds it in eight bits only.
    inverted = (
        picture.mode == "I;16"
        and getattr(picture, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0
    )
    factor = 255 / (high - low)

    def grey(values: NDArray[Any]) -> NDArray[np.uint8]:
        scaled = np.rint((np.where(np.isfinite(values), values, low) - low) * factor).astype(np.uint8)
        return ~scaled if inverted else scaled

    return grey


def _range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return (float(finite.min()), float(finite.max())) if len(finite) else (np.inf, -np.inf)


def _used(brightest: float) -> float:
    """Return the largest value that 16 bits have, as many of them as are used."""
    return float(next(2**depth - 1 for depth in _DEPTHS if brightest < 2**depth))


def _of_16_bits(deep: NDArray[np.uint16], used: float | None = None) -> NDArray[np.uint8]:
    import cv2  # here, as hardly any photograph needs it

    used = used or _used(float(deep.max(initial=0)))
    return np.asarray(cv2.convertScaleAbs(deep, alpha=255 / used), np.uint8)


def _netpbm(picture: Pillow.Image, data: bytes) -> Pillow.Image:
    """Decode a PPM or PGM with a largest value of its own, on which Pillow takes seconds a million pixels."""
    tile = getattr(picture, "tile")[0]  # noqa: B009 - of opened files only, which the type does not say
    mode, most = tile.args
    shape = (picture.height, picture.width, *([3] if mode == "RGB" else []))
    kind = np.dtype(">u2" if most > 255 else np.uint8)
    values = np.frombuffer(data, kind, math.prod(shape), tile.offset).reshape(shape).astype(np.uint16)
    return Pillow.fromarray(_of_16_bits(values, None if most == 65535 else most))


def _has_deep_colours(picture: Pillow.Image) -> bool:
    """Return whether the file has 16 bits a colour, of which Pillow keeps the upper half."""
    tiles = getattr(picture, "tile", ())
    return picture.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile.args) for tile in tiles)


def _deep_colours(picture: Pillow.Image, data: bytes, index: int) -> Pillow.Image | None:
    """Decode once more, with all bits, where the upper half says that fewer than 16 are used."""
    highest = max(high for _, high in picture.convert("RGB").getextrema())  # type: ignore[misc]
    if highest >= 1 << (_DEPTHS[-2] - 8):
        return None
    import cv2

    buffer = np.frombuffer(data, np.uint8)
    if picture.format == "TIFF":
        pages = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED, range=(index, index + 1))[1]
        found = pages[0] if pages else None
    else:
        found = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        return None
    bgra = np.asarray(found, np.uint16)
    channels = [_of_16_bits(bgra[:, :, 2::-1])]
    if bgra.shape[2] == 4:
        channels.append(_of_16_bits(bgra[:, :, 3]))
    return Pillow.fromarray(np.dstack(channels))
