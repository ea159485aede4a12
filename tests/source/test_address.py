"""Addresses: what counts as one, and that no secret of one is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import SourceError
from mien.source import find_inputs
from mien.source.address import check_stream, is_address, is_camera, without_secrets


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("rtsp://10.0.0.7/live", "rtsp://10.0.0.7/live"),
        ("rtsp://viewer:secret@10.0.0.7:554/live", "rtsp://***@10.0.0.7:554/live"),
        ("RTSP://secret@camera", "RTSP://***@camera"),
        ("http://camera/video.cgi?user=me&pwd=secret", "http://camera/video.cgi?***"),
        ("http://camera/a#secret", "http://camera/a#***"),
        ("rtsp://me:se@cr/et?@camera/live", "rtsp://***@camera/live"),
        ("rtmp://me:secret@camera", "rtmp://***@camera"),
        ("camera:0", "camera:0"),
        ("clips/a@b?.mp4", "clips/a@b?.mp4"),
        (Path("a.mp4"), "a.mp4"),
        (0, "0"),
    ],
)
def test_what_is_shown(where: object, shown: str) -> None:
    assert without_secrets(where) == shown


secrets = st.text(st.characters(codec="utf-8"), min_size=1).map(lambda text: f"<{text}>")


@given(secrets, st.sampled_from(["rtsp", "http", "https"]))
def test_no_password_whatever_it_holds_is_shown(secret: str, scheme: str) -> None:
    address = f"{scheme}://viewer:{secret}@camera/live"
    assert secret not in without_secrets(address)
    assert without_secrets(address) == f"{scheme}://***@camera/live"
    complaint = ""
    try:
        check_stream(address)
    except SourceError as error:
        complaint = str(error)
    assert secret not in complaint


@pytest.mark.parametrize(
    "address",
    ["rtsp://camera", "rtsps://u:p@10.0.0.7:322/a", "http://[::1]:80/", "HTTPS://camera/x.m3u8?t=1"],
)
def test_good_addresses(address: str) -> None:
    check_stream(address)
    assert is_address(address)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("rtmp://me:secret@camera/live", "expected rtsp, rtsps, http or https"),
        ("file:///etc/passwd?secret", "expected rtsp, rtsps, http or https"),
        ("rtsp://", "no host"),
        ("rtsp:///secret@", "no host"),
        ("rtsp://me:sec/ret@camera/", "no host, or an impossible port"),
        ("http://camera:99999/", "no host, or an impossible port"),
        ("http://camera/a b", "without spaces or special characters"),
        ("http://camera/\r\nHost:x", "without spaces or special characters"),
        ("http://kämera/", "without spaces or special characters"),
    ],
)
def test_bad_addresses(address: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        check_stream(address)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (0, True),
        ("camera:0", True),
        ("camera:x", True),
        ("/dev/video0", True),
        (Path("/dev/video2"), True),
        ("/dev/v4l/by-id/usb-cam", True),
        ("camera.mp4", False),
        (Path("camera:0"), False),
        ("/dev/null", False),
    ],
)
def test_what_counts_as_a_camera(where: object, expected: bool) -> None:
    assert is_camera(where) is expected
    assert not is_address(where)


@pytest.mark.parametrize("where", ["rtsp://me:secret@camera/live", "https://camera/?secret", "camera:0"])
def test_what_has_no_end_is_no_input_of_an_analysis(where: str) -> None:
    with pytest.raises(SourceError, match="expected a file or folder, received a camera or stream") as caught:
        find_inputs([where])
    assert "secret" not in str(caught.value)


def test_an_object_store_is_read_as_a_corpus() -> None:
    with pytest.raises(SourceError, match="received an object store; read it with mien corpus analyze"):
        find_inputs(["s3://bucket/interviews"])
