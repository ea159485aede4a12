"""Photographs: every mode comes out as upright eight-bit RGB, and what can't be read is said in one line."""

from __future__ import annotations

import io
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from mien.errors import SourceError
from mien.source.images import is_photograph, read_image

COLOURS = np.zeros((48, 64, 3), np.uint8)
COLOURS[:24, :32], COLOURS[:24, 32:] = (250, 10, 10), (10, 250, 10)
COLOURS[24:, :32], COLOURS[24:, 32:] = (10, 10, 250), (240, 240, 240)


def jpeg(path: Path, **options: object) -> Path:
    Pillow.fromarray(COLOURS).save(path, "JPEG", quality=95, subsampling=0, **options)  # type: ignore[arg-type]
    return path


def exif(orientation: int) -> Pillow.Exif:
    tags = Pillow.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = "a photograph for the tests"
    return tags


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_as_opencv_turns_it(tmp_path: Path, orientation: int) -> None:
    path = jpeg(tmp_path / "turned.jpg", exif=exif(orientation))
    theirs = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert theirs is not None
    ours = read_image(path)
    assert ours.shape == theirs.shape == ((48, 64, 3) if orientation < 5 else (64, 48, 3))
    np.testing.assert_allclose(ours.astype(int), theirs[:, :, ::-1].astype(int), atol=3)


def saved(make: Callable[[Pillow.Image], Pillow.Image], suffix: str) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        path = folder / f"picture{suffix}"
        make(Pillow.fromarray(COLOURS)).save(path)
        return path

    return save


@pytest.mark.parametrize(
    "save",
    [
        pytest.param(saved(lambda p: p, ".png"), id="png"),
        pytest.param(saved(lambda p: p, ".tif"), id="tiff"),
        pytest.param(saved(lambda p: p, ".bmp"), id="bmp"),
        pytest.param(saved(lambda p: p, ".ppm"), id="ppm"),
        pytest.param(saved(lambda p: p.convert("RGBA"), ".png"), id="opaque alpha"),
        pytest.param(saved(lambda p: p.quantize(16), ".png"), id="palette"),
        pytest.param(saved(lambda p: p.quantize(16), ".gif"), id="gif"),
        pytest.param(saved(lambda p: p.convert("CMYK"), ".tif"), id="cmyk"),
    ],
)
def test_every_colour_mode_comes_out_as_rgb(tmp_path: Path, save: Callable[[Path], Path]) -> None:
    image = read_image(save(tmp_path))
    assert image.dtype == np.uint8
    assert not image.flags.writeable
    np.testing.assert_allclose(image.astype(int), COLOURS.astype(int), atol=2)


@pytest.mark.parametrize(("mode", "suffix"), [("L", ".png"), ("LA", ".png"), ("1", ".png"), ("L", ".jpg")])
def test_grey_comes_out_with_three_equal_channels(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"grey{suffix}"
    grey = Pillow.fromarray(COLOURS).convert(mode)
    grey.save(path)
    image = read_image(path)
    assert image.shape == (48, 64, 3)
    np.testing.assert_allclose(image[:, :, 0].astype(int), np.asarray(grey.convert("L"), int), atol=2)
    assert (image == image[:, :, :1]).all()


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "press.jpg"
    Pillow.fromarray(COLOURS).convert("CMYK").save(path, quality=95)
    np.testing.assert_allclose(read_image(path).astype(int), COLOURS.astype(int), atol=6)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    cut_out = np.dstack([COLOURS, np.full((48, 64), 255, np.uint8)])
    cut_out[:24, :, 3], cut_out[24:, 32:, 3] = 0, 128
    Pillow.fromarray(cut_out).save(tmp_path / "cut.png")
    image = read_image(tmp_path / "cut.png")
    assert (image[:24] == 255).all()
    assert (image[24:, :32] == (10, 10, 250)).all()
    np.testing.assert_allclose(image[24:, 32:].astype(int), (240 * 128 + 255 * 127) / 255, atol=1)


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    palette = Pillow.fromarray(COLOURS).quantize(8)
    palette.info["transparency"] = palette.getpixel((0, 0))
    palette.save(tmp_path / "icon.png")
    image = read_image(tmp_path / "icon.png")
    assert (image[:24, :32] == 255).all()
    np.testing.assert_allclose(image[24:, 32:].astype(int), 240, atol=2)


RAMP = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("deep", [RAMP, np.dstack([RAMP] * 3)], ids=["grey", "colour"])
def test_16_bits_are_scaled_and_not_clipped(tmp_path: Path, deep: NDArray[np.uint16], suffix: str) -> None:
    path = tmp_path / f"deep{suffix}"
    assert cv2.imwrite(str(path), deep)
    image = read_image(path)
    np.testing.assert_allclose(image, np.dstack([RAMP / 257] * 3), atol=1)


@pytest.mark.parametrize("values", [RAMP.astype(np.float32) / 65535 * 3 - 1, RAMP.astype(np.int32) * 1000])
def test_deeper_pictures_go_from_darkest_to_brightest(tmp_path: Path, values: NDArray[np.generic]) -> None:
    Pillow.fromarray(values).save(tmp_path / "deep.tif")
    np.testing.assert_allclose(read_image(tmp_path / "deep.tif")[:, :, 1], RAMP / 257, atol=1)


def test_a_constant_float_picture_is_readable(tmp_path: Path) -> None:
    Pillow.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "flat.tif")
    assert (read_image(tmp_path / "flat.tif") == 0).all()


def test_of_an_animation_the_first_picture_counts(tmp_path: Path) -> None:
    first, second = Pillow.new("RGB", (20, 10), (200, 30, 30)), Pillow.new("RGB", (20, 10), (30, 30, 200))
    first.save(tmp_path / "wink.gif", save_all=True, append_images=[second, first])
    np.testing.assert_allclose(read_image(tmp_path / "wink.gif").astype(int)[5, 5], (200, 30, 30), atol=4)


def test_one_pixel(tmp_path: Path) -> None:
    Pillow.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    assert read_image(tmp_path / "dot.png").tolist() == [[[1, 2, 3]]]


def test_a_large_picture(tmp_path: Path) -> None:
    Pillow.new("L", (8000, 6000), 77).save(tmp_path / "large.jpg")
    image = read_image(tmp_path / "large.jpg")
    assert image.shape == (6000, 8000, 3)
    assert abs(int(image[3000, 4000, 0]) - 77) <= 1


def claim_png(path: Path, width: int, height: int) -> Path:
    """A PNG of a few bytes whose header promises any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def heic(path: Path) -> Path:
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def piped(path: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path)
    return path


def cut_jpeg(path: Path) -> Path:
    return written(path, jpeg(path).read_bytes()[:600])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda f: f / "gone.jpg", "no such file", id="missing"),
        pytest.param(lambda f: f / f"{'n' * 300}.jpg", "cannot be looked at", id="name too long"),
        pytest.param(lambda f: piped(f / "pipe.jpg"), "device or pipe", id="pipe"),
        pytest.param(lambda f: f, "received a folder", id="folder"),
        pytest.param(lambda f: written(f / "nil.jpg", b""), "empty", id="empty"),
        pytest.param(lambda f: written(f / "t.jpg", b"Dear Sir,\n" * 9), "expected a picture", id="text"),
        pytest.param(lambda f: cut_jpeg(f / "half.jpg"), "damaged or cut off", id="truncated"),
        pytest.param(lambda f: claim_png(f / "bomb.png", 60000, 60000), "million pixels", id="bomb"),
        pytest.param(lambda f: claim_png(f / "108.png", 12000, 9000), "damaged", id="large, no warning"),
        pytest.param(lambda f: written(f / "a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
                     "expected a picture", id="program"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(SourceError) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message


@contextmanager
def as_nobody() -> Iterator[None]:
    """The superuser may read everything: be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions are not like this on Windows")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = jpeg(tmp_path / "private.jpg")
    path.chmod(0)
    with (
        as_nobody(),
        pytest.raises(SourceError, match=r"private\.jpg: cannot be (read|looked at) \(Permission denied\)"),
    ):
        read_image(path)


def test_heic_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = heic(tmp_path / "IMG_1.heic")
    with pytest.raises(SourceError, match=r"IMG_1\.heic: .*pip install .*\[heic\]"):
        read_image(path)
    assert is_photograph(path)


def test_heic_with_its_library(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed; it is optional")
    heif.from_pillow(Pillow.fromarray(COLOURS)).save(tmp_path / "IMG_2.heic", quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "IMG_2.heic").astype(int), COLOURS.astype(int), atol=40)


@pytest.mark.parametrize("damage", range(0, 120, 3))
def test_damaged_exif_data_does_not_keep_the_picture_from_being_read(tmp_path: Path, damage: int) -> None:
    path = jpeg(tmp_path / "odd.jpg", exif=exif(1))
    data = bytearray(path.read_bytes())
    start = data.index(b"Exif") + 6
    length = struct.unpack(">H", data[start - 8 : start - 6])[0] - 8
    data[start + damage % length] ^= 0xFF
    path.write_bytes(data)
    assert sorted(read_image(path).shape) == [3, 48, 64]


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_gives_a_picture_or_a_source_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = io.BytesIO()
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"]))
    Pillow.fromarray(COLOURS).save(whole, kind)
    content = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 400) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path / "any", bytes(content[: data.draw(st.integers(1, len(content)))]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image = read_image(path)
        except SourceError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert image.ndim == 3


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    assert is_photograph(jpeg(tmp_path / "scan.001"))
    assert is_photograph(claim_png(tmp_path / "bomb", 60000, 60000))
    assert not is_photograph(written(tmp_path / "letter", b"Dear Sir,"))
