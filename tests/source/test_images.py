"""Photographs: every mode comes out as upright eight-bit RGB, and what can't be read is said in one line."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

import mien
from mien.errors import SourceError
from mien.source import open_source
from mien.source.images import as_image, is_photograph, read_image, read_pictures
from mien.train.data.faces import grey_square

MUTATIONS = 25
"""Of each kind of file; 300 take two minutes."""

COLOURS = np.zeros((48, 64, 3), np.uint8)
COLOURS[:24, :32], COLOURS[:24, 32:] = (250, 10, 10), (10, 250, 10)
COLOURS[24:, :32], COLOURS[24:, 32:] = (10, 10, 250), (240, 240, 240)


def jpeg(path: Path, **options: object) -> Path:
    Pillow.fromarray(COLOURS).save(path, "JPEG", quality=95, subsampling=0, **options)
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


PACKED: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("AVIF", {"quality": 95, "subsampling": "4:4:4"}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
]


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(("kind", "options"), PACKED)
def test_every_format_is_turned_once(
    tmp_path: Path, kind: str, options: dict[str, Any], orientation: int
) -> None:
    path = tmp_path / "turned"
    Pillow.fromarray(COLOURS).save(path, kind, exif=exif(orientation), **options)
    as_jpeg = read_image(jpeg(tmp_path / "turned.jpg", exif=exif(orientation))).astype(int)
    np.testing.assert_allclose(read_image(path).astype(int), as_jpeg, atol=30)
    np.testing.assert_array_equal(read_image(path.read_bytes()), read_image(path))
    with Pillow.open(path) as opened:
        np.testing.assert_array_equal(as_image(opened), read_image(path))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 7])
def test_a_turned_tiff_of_every_mode(tmp_path: Path, mode: str, orientation: int) -> None:
    """Plain ones of some modes are mapped into memory by Pillow, which then takes width for height."""
    grey = Pillow.fromarray(COLOURS).convert("L")
    deep = {"I;16": Pillow.fromarray(np.asarray(grey).astype(np.uint16) * 257), "F": grey.convert("F")}
    picture = deep.get(mode) or Pillow.fromarray(COLOURS).convert(mode)
    picture.save(tmp_path / "level.tif")
    picture.save(tmp_path / "turned.tif", exif=exif(orientation))
    level = read_image(tmp_path / "level.tif")
    expected = {
        2: level[:, ::-1],
        3: np.rot90(level, 2),
        6: np.rot90(level, -1),
        7: np.rot90(level, 2).swapaxes(0, 1),
    }[orientation]
    np.testing.assert_array_equal(read_image(tmp_path / "turned.tif"), expected)


@pytest.mark.parametrize("damage", range(8, 150, 7))
def test_a_damaged_tag_of_a_tiff_is_one_line_or_none(tmp_path: Path, damage: int) -> None:
    Pillow.fromarray(COLOURS).save(tmp_path / "odd.tif", exif=exif(6))
    data = bytearray((tmp_path / "odd.tif").read_bytes())
    data[len(data) - damage] ^= 0xFF
    path = written(tmp_path / "odd.tif", bytes(data))
    try:
        assert read_image(path).ndim == 3
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017


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


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_fewer_bits_in_16_are_scaled_by_what_is_used(
    tmp_path: Path, bits: int, suffix: str, channels: int
) -> None:
    if suffix == ".ppm" and channels == 4:
        pytest.skip("PPM has no transparency")
    deep = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1]]) >> (16 - bits)
    stored = {1: deep[:, :, 0], 3: deep, 4: np.dstack([deep, np.full_like(RAMP, 65535)])}[channels]
    path = tmp_path / f"deep{suffix}".replace(".ppm", ".pgm" if channels == 1 else ".ppm")
    assert cv2.imwrite(str(path), stored)
    bgr = np.dstack([deep[:, :, 0]] * 3) if channels == 1 else deep
    np.testing.assert_allclose(read_image(path), bgr[:, :, ::-1] * (255 / (2**bits - 1)), atol=1)
    with Pillow.open(path) as opened:
        np.testing.assert_array_equal(as_image(opened), read_image(path))
    with Pillow.open(io.BytesIO(path.read_bytes())) as opened:
        np.testing.assert_array_equal(as_image(opened), read_image(path))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_tiff_of_12_bits(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "turned.tif"
    twelve = np.dstack([RAMP] * 3) >> 4
    assert cv2.imwrite(str(path), twelve)
    # OpenCV writes no orientation: the tag that says how planes lie (284, always 1 here) becomes one
    planes = struct.pack("<HHIHH", 284, 3, 1, 1, 0)
    turned = struct.pack("<HHIHH", 274, 3, 1, orientation, 0)
    data = path.read_bytes()
    assert data.count(planes) == 1
    written(path, data.replace(planes, turned))
    Pillow.fromarray((RAMP // 257).astype(np.uint8)).save(tmp_path / "8.png", exif=exif(orientation))
    np.testing.assert_allclose(
        read_image(path).astype(int), read_image(tmp_path / "8.png").astype(int), atol=1
    )


@pytest.mark.parametrize(("head", "values", "expected"), [
    (b"P6\n2 1\n4095\n", np.array([4095, 0, 2048, 1, 2, 4095], ">u2"), [[255, 0, 128], [0, 0, 255]]),
    (b"P6\n2 1\n100\n", np.array([100, 50, 0, 1, 2, 100], np.uint8), [[255, 128, 0], [3, 5, 255]]),
    (b"P5\n2 1\n4095\n", np.array([4095, 64], ">u2"), [[255] * 3, [4] * 3]),
])  # fmt: skip
def test_netpbm_is_scaled_by_the_largest_value_that_it_states(
    head: bytes, values: NDArray[Any], expected: list[list[int]]
) -> None:
    np.testing.assert_allclose(read_image(head + values.tobytes())[0].astype(int), expected, atol=1)
    with pytest.raises(SourceError, match="damaged or cut off"):
        read_image(head + values.tobytes()[:-1])


def test_a_deep_tiff_in_which_white_is_zero(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    Pillow.fromarray(65535 - RAMP).save(path, tiffinfo={262: 0})
    np.testing.assert_allclose(read_image(path)[:, :, 0], RAMP / 257, atol=1)


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


class TestSize:
    """How large a picture may be is looked at before it is decoded, whatever its kind and its way in."""

    LIMIT: Final = 1.0

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_no_mode_gets_by(self, tmp_path: Path, mode: str, kind: str) -> None:
        Pillow.new(mode, (1100, 1000)).save(tmp_path / "large", kind)
        with pytest.raises(SourceError, match="at most 1 million pixels, received 1100 x 1000") as caught:
            read_image(tmp_path / "large", max_megapixels=self.LIMIT)
        assert "max_megapixels" in str(caught.value)
        assert read_image(tmp_path / "large", max_megapixels=1.1).shape == (1000, 1100, 3)

    def test_nor_a_gifs_canvas_nor_a_jpegs_header(self, tmp_path: Path) -> None:
        Pillow.new("P", (20, 20)).save(tmp_path / "small.gif")
        gif = bytearray((tmp_path / "small.gif").read_bytes())
        gif[6:10] = struct.pack("<HH", 13300, 13300)
        lying = bytearray(jpeg(tmp_path / "small.jpg").read_bytes())
        place = lying.index(b"\xff\xc0") + 5
        lying[place : place + 4] = struct.pack(">HH", 13300, 13300)
        for data in (bytes(gif), bytes(lying)):
            with pytest.raises(SourceError, match="at most 120 million pixels, received 13300 x 13300"):
                read_image(data)

    def test_nor_a_later_page(self, tmp_path: Path) -> None:
        small, large = Pillow.new("L", (900, 1000)), Pillow.new("L", (1100, 1000))
        small.save(tmp_path / "scans.tif", save_all=True, append_images=[large])
        pictures = read_pictures(tmp_path / "scans.tif", max_megapixels=self.LIMIT)
        assert next(pictures).image.shape == (1000, 900, 3)
        with pytest.raises(SourceError, match="received 1100 x 1000"):
            next(pictures)

    def test_the_setting_holds_for_every_way_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_network: Path
    ) -> None:
        path = tmp_path / "large.png"
        Pillow.new("L", (1100, 1000)).save(path)
        reading = partial(mien.read, network=str(tiny_network), max_megapixels=self.LIMIT)
        with Pillow.open(path) as opened:
            for way in (path, str(path), path.read_bytes(), opened):
                with pytest.raises(SourceError, match="at most 1 million"):
                    reading(way)
        with pytest.raises(SourceError, match="at most 1 million"):
            open_source(path, max_megapixels=self.LIMIT)
        assert grey_square(path.read_bytes(), 8) is not None
        monkeypatch.setenv("MIEN_MAX_MEGAPIXELS", "1")
        with pytest.raises(SourceError, match="at most 1 million"):
            read_image(path)
        assert grey_square(path.read_bytes(), 8) is None
        assert grey_square(path, 8) is None

    def test_a_progressive_jpeg_that_never_ends(self) -> None:
        whole = io.BytesIO()
        Pillow.fromarray(COLOURS).save(whole, "JPEG", progressive=True)
        data = bytearray(whole.getvalue())
        assert read_image(bytes(data)).shape == COLOURS.shape
        frame, last = data.index(b"\xff\xc2") + 5, data.rindex(b"\xff\xda")
        data[frame : frame + 4] = struct.pack(">HH", 3000, 3000)
        endless = bytes(data[:-2]) + bytes(data[last:-2]) * 5000 + b"\xff\xd9"
        with pytest.raises(SourceError, match="progressive JPEG of 50"):
            read_image(endless)

    def test_a_large_picture_in_digits(self) -> None:
        with pytest.raises(SourceError, match="at most 4 million pixels written as text, received 9; save"):
            read_image(b"P3\n3000 3000\n255\n" + b"1 2 3 " * 100)

    @pytest.mark.skipif(sys.platform != "linux", reason="where the most memory used is told in /proc")
    @pytest.mark.parametrize(
        "mode",
        ["P", *(pytest.param(each, marks=pytest.mark.exhaustive) for each in ("F", "I", "I;16", "RGBA"))],
    )
    def test_memory_is_a_few_bytes_for_each_pixel(self, tmp_path: Path, mode: str) -> None:
        Pillow.new(mode, (5000, 5000)).save(tmp_path / "large.tif", compression="tiff_adobe_deflate")
        script = (
            "import sys; from mien.source.images import read_image\n"
            "def most(): return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
            "read_image(sys.argv[1]); before = most()\n"
            "read_image(sys.argv[2]); print((most() - before) * 1024 / 25e6)"
        )
        Pillow.new(mode, (8, 8)).save(tmp_path / "small.tif", compression="tiff_adobe_deflate")
        command = [
            sys.executable,
            "-c",
            script,
            *(str(tmp_path / f"{name}.tif") for name in ("small", "large")),
        ]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        # four of Pillow's, three of ours; a few for the bands and what is being decompressed
        assert float(ran.stdout) < 10


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
        pytest.param(lambda f: f / f"{'n' * 300}.jpg", "cannot be accessed", id="name too long"),
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
        pytest.raises(SourceError, match=r"private\.jpg: cannot be (read|accessed) \(Permission denied\)"),
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


def seeds() -> dict[str, bytes]:
    """One small file of every kind that has its own way through a decoder."""
    colour, grey = Pillow.fromarray(COLOURS), Pillow.fromarray(COLOURS).convert("L")
    deep, fractions = Pillow.fromarray(RAMP >> 4), Pillow.fromarray(RAMP.astype(np.float32))
    turned, film = {"exif": exif(6)}, {"save_all": True, "append_images": [colour.rotate(90)] * 3}
    text = PngInfo()
    text.add_text("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    text.add_itxt("Comment", "dé", "en", "é", zip=True)
    kept: list[tuple[Pillow.Image, str, dict[str, Any]]] = [
        *((colour, kind, turned) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")),
        *((colour, kind, {}) for kind in ("BMP", "PPM", "JPEG2000")),
        *((colour, kind, film | {"duration": 80}) for kind in ("GIF", "PNG", "WEBP", "AVIF")),
        *((colour, "TIFF", {"compression": how}) for how in ("tiff_lzw", "tiff_adobe_deflate", "packbits")),
        (colour, "TIFF", film),
        (colour, "JPEG", turned | {"progressive": True}),
        (colour, "PNG", {"pnginfo": text}),
        (colour.convert("CMYK"), "JPEG", {}),
        (colour.quantize(16), "PNG", {"transparency": 3}),
        (grey.convert("1"), "TIFF", {}),
        *((deep, kind, {}) for kind in ("PNG", "TIFF", "PPM")),
        (fractions, "TIFF", {}),
    ]
    made = {}
    for number, (picture, kind, options) in enumerate(kept):
        whole = io.BytesIO()
        picture.save(whole, kind, **options)
        made[f"{number} {kind}"] = whole.getvalue()
    made["plain PPM"] = b"P3\n12 9\n255\n" + b" ".join(b"%d" % (each % 256) for each in range(324))
    made["deep colours"] = cv2.imencode(".png", np.dstack([RAMP] * 3) >> 4)[1].tobytes()
    return made


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Change, remove, repeat and cut off, mostly where headers are."""
    content = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 4, 8])):
        place = int(random.integers(len(content) if random.random() < 0.4 else min(len(content), 400)))
        length = int(random.integers(1, 40))
        match int(random.integers(5)):
            case 0 | 1:
                content[place] = int(random.integers(256))
            case 2:
                extremes = [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\0\0\x34\0"]
                content[place : place + 4] = extremes[random.integers(len(extremes))]
            case 3:
                content[place:place] = content[place : place + length]
            case _ if random.random() < 0.5:
                del content[place : place + length]
            case _:
                del content[max(1, place) :]
        content = content or bytearray(b"x")
    return bytes(content)


@pytest.mark.parametrize("kind", seeds())
def test_damage_gives_pictures_or_one_line(tmp_path: Path, kind: str) -> None:
    whole = seeds()[kind]
    random = np.random.default_rng(list(kind.encode()))
    for _ in range(MUTATIONS):
        data = mutated(whole, random)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            is_photograph(written(tmp_path / "any", data))
            try:
                for picture in islice(read_pictures(data, max_megapixels=4), 8):
                    assert picture.image.ndim == 3
            except SourceError as error:
                assert str(error).startswith("picture: ")  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("fault", [TypeError, KeyError, MemoryError, OverflowError, UnicodeDecodeError])
def test_whatever_a_decoder_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    raised = fault("utf-8", b"x", 0, 1, "no") if fault is UnicodeDecodeError else fault("first\nsecond")

    def fail(self: object) -> None:
        raise raised

    path = jpeg(tmp_path / "odd.jpg")
    monkeypatch.setattr(Pillow.Image, "getexif", fail)
    assert read_image(path).shape == COLOURS.shape  # what is said about a picture is not the picture
    monkeypatch.setattr(JpegImageFile, "load", fail)
    with pytest.raises(SourceError, match=r"odd\.jpg: .*(damaged|memory)") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    assert is_photograph(jpeg(tmp_path / "scan.001"))
    assert is_photograph(claim_png(tmp_path / "bomb", 60000, 60000))
    assert not is_photograph(written(tmp_path / "letter", b"Dear Sir,"))
