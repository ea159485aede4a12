from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.web.ws.jpeg import decode_jpeg, encode_jpeg, jpeg_size_wh
from web.backend import jpeg


@pytest.mark.parametrize("size_wh", [(1, 1), (64, 48), (641, 359), (1920, 1080), (1080, 1920)])
def test_size_and_picture_agree(size_wh: tuple[int, int]) -> None:
    data = jpeg(*size_wh)
    assert jpeg_size_wh(data) == size_wh
    assert decode_jpeg(data).shape == (size_wh[1], size_wh[0], 3)


def test_the_size_is_read_behind_other_segments() -> None:
    data = jpeg()
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 4) + b"\xff\xc0\x00\x00"  # looks like a size, and is none
    assert jpeg_size_wh(data[:2] + comment + b"\xff\xff" + comment + data[2:]) == (64, 48)


def test_colours_come_in_the_right_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    _, data = cv2.imencode(".jpg", red[..., ::-1])  # OpenCV takes BGR
    assert decode_jpeg(data.tobytes()).mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=6)


@pytest.mark.parametrize("size_wh", [(1921, 10), (10, 1921), (1200, 1100), (65000, 65000), (0, 10), (10, 0)])
def test_a_picture_that_says_it_is_large_is_not_decoded(
    size_wh: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", None)
    data = bytearray(jpeg())
    place = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, place + 5, size_wh[1], size_wh[0])
    with pytest.raises(ValueError, match="at most 1920 x 1080"):
        decode_jpeg(bytes(data))


def test_a_progressive_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="baseline"):
        decode_jpeg(jpeg(options=(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)))


def test_many_scans_are_refused() -> None:
    with pytest.raises(ValueError, match="baseline"):
        jpeg_size_wh(jpeg() + 10 * b"\xff\xda")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8" + b"\xff" * 100,
        b"GIF89a" + bytes(50),
        bytes(100),
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"\xff\xd8\xff\xd9" + bytes(50),
        b"\xff\xd8\xff\xe0\x00\x00" * 30,
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected a baseline JPEG"):
        decode_jpeg(data)


def test_only_the_header_is_not_enough() -> None:
    data = jpeg()
    with pytest.raises(ValueError, match="that can be decoded"):
        decode_jpeg(data[: data.index(b"\xff\xc0") + 19])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_damage_is_refused_or_decoded_but_never_worse(rubbish: bytes, place: int) -> None:
    data = jpeg()
    damaged = data[:place] + rubbish + data[place + len(rubbish) :]
    try:
        width, height = jpeg_size_wh(damaged)
    except ValueError:
        return
    assert 0 <= width <= 65535
    assert 0 <= height <= 65535


def test_what_is_sent_is_small_and_looks_the_same(portrait: NDArray[np.uint8]) -> None:
    data = encode_jpeg(portrait, widest=320)
    decoded = decode_jpeg(data)
    height, width = portrait.shape[:2]
    assert decoded.shape == (round(height * 320 / width), 320, 3)
    small = cv2.resize(portrait, (decoded.shape[1], decoded.shape[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - decoded).mean() < 6


def test_a_narrow_picture_keeps_its_size() -> None:
    assert decode_jpeg(encode_jpeg(np.zeros((48, 64, 3), np.uint8), widest=960)).shape == (48, 64, 3)
