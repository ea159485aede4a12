"""An address, a redirect, a playlist or a file's name from outside reaches no file of this machine."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from http_video import serving, serving_files
from mien.errors import SourceError
from mien.show.video import ClipWriter
from mien.source.stream import StreamSource
from mien.source.video import VideoSource
from mien.web.api.live import check_addable
from source.clips import picture

WAYS = {
    "a file": "file://{clip}",
    "a file without slashes": "file:{clip}",
    "a path": "{clip}",
    "joined files": "concat:{clip}",
    "joined files behind others": "concat:{clip}|{clip}",
    "a part of a file": "subfile,,start,0,end,0,,:{clip}",
    "a file through a cipher": "crypto:{clip}",
    "a file, cached": "cache:{clip}",
    "a file, read ahead": "async:{clip}",
    "a file through another protocol": "async:cache:file:{clip}",
    "the stream itself": "data:video/mp2t;base64,{data}",
    "an open handle": "pipe:0",
    "a numbered handle": "fd:0",
    "a socket of this machine": "unix:{clip}",
    "plain TCP": "tcp://127.0.0.1:{port}",
    "UDP": "udp://127.0.0.1:{port}",
    "another protocol": "gopher://127.0.0.1:{port}/",
    "FTP": "ftp://127.0.0.1:{port}/",
    "RTMP": "rtmp://127.0.0.1:{port}/live",
    "a proxy": "httpproxy://127.0.0.1:{port}/x",
}
"""What FFmpeg would follow, or does in some builds."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of this machine, in a folder that no server gives out."""
    return write_ts(tmp_path_factory.mktemp("private") / "clip.ts")


def write_ts(path: Path, *, sound: bool = False) -> Path:
    with av.open(str(path), "w", format="mpegts") as container:
        seen = container.add_stream("mpeg2video", rate=25)
        seen.width, seen.height, seen.pix_fmt = 96, 64, "yuv420p"
        heard = container.add_stream("aac", rate=48_000) if sound else None
        for index in range(12):
            container.mux(seen.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(seen.encode())
        if heard is not None:
            tone = np.sin(np.arange(24_000) * 0.05, dtype=np.float32)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate = 48_000
            container.mux(heard.encode(frame))
            container.mux(heard.encode())
    return path


def filled(way: str, clip: Path, port: str = "9") -> str:
    data = base64.b64encode(clip.read_bytes()).decode()
    return WAYS[way].format(clip=clip, data=data, port=port)


@contextmanager
def redirecting(to: str, status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", to)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as address:
        yield f"{address}/live"


def frames_of(address: str) -> int:
    with closing(StreamSource(address, patience_s=2.0)) as source:
        return len(list(islice(source.frames(), 3)))


@pytest.mark.parametrize("way", WAYS)
def test_the_door_takes_cameras_and_streams_and_nothing_else(clip: Path, way: str) -> None:
    with pytest.raises(SourceError):
        check_addable(filled(way, clip))
    with pytest.raises(SourceError):
        StreamSource(filled(way, clip))


@pytest.mark.parametrize(
    "where", ["/dev/video0", "camera:0/../x", "camera:-1", "portrait", "0", "", "http:clip", "rtsp://"]
)
def test_what_names_this_machine_in_another_way_is_refused_at_the_door(where: str) -> None:
    with pytest.raises(SourceError):
        check_addable(where)


def test_a_redirect_to_another_place_on_the_network_is_followed(clip: Path) -> None:
    """The control: what is refused below would be read, were it let through."""
    with serving_files(clip.parent) as there, redirecting(f"{there}/{clip.name}", 302) as address:
        assert frames_of(address) > 0


@pytest.mark.parametrize(("way", "status"), [*((way, 302) for way in WAYS), ("a file", 301), ("a file", 307)])
def test_no_redirect_leads_into_this_machine(clip: Path, way: str, status: int) -> None:
    with serving_files(clip.parent.parent / "empty") as nothing:
        port = nothing.rpartition(":")[2]
        with redirecting(filled(way, clip, port), status) as address, pytest.raises(SourceError) as caught:
            StreamSource(address, patience_s=2.0)
    assert str(clip) not in str(caught.value)


PLAYLISTS = {
    "a piece": "#EXTINF:1,\n{target}\n",
    "the beginning": '#EXT-X-MAP:URI="{target}"\n#EXTINF:1,\npiece.ts\n',
    "another playlist": None,
}


@pytest.mark.parametrize("shape", ["a piece", "another playlist"])
def test_a_playlist_of_its_own_server_is_played(clip: Path, tmp_path: Path, shape: str) -> None:
    """The control."""
    (tmp_path / "piece.ts").write_bytes(clip.read_bytes())
    with serving_files(write_playlist(tmp_path, shape, "piece.ts")) as address:
        assert frames_of(f"{address}/live.m3u8") > 0


@pytest.mark.parametrize("shape", PLAYLISTS)
@pytest.mark.parametrize(
    "way",
    ["a file", "a path", "joined files", "a part of a file", "the stream itself", "a file through a cipher"],
)
def test_no_playlist_leads_into_this_machine(clip: Path, tmp_path: Path, shape: str, way: str) -> None:
    (tmp_path / "piece.ts").write_bytes(b"no film")
    served = write_playlist(tmp_path, shape, filled(way, clip))
    with serving_files(served) as address, pytest.raises(SourceError):
        StreamSource(f"{address}/live.m3u8", patience_s=2.0)


def write_playlist(folder: Path, shape: str, target: str) -> Path:
    head, end = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n", "#EXT-X-ENDLIST\n"
    body = PLAYLISTS[shape]
    if body is None:
        inner = target
        if target == "piece.ts":
            inner = "inner.m3u8"
            (folder / inner).write_text(f"{head}#EXTINF:1,\npiece.ts\n{end}")
        (folder / "live.m3u8").write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{inner}\n")
    else:
        (folder / "live.m3u8").write_text(head + body.format(target=target) + end)
    return folder


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{clip}</BaseURL></MPD>',
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{clip}">]><x>&e;</x>',
    ],
)
@pytest.mark.parametrize("name", ["film.mp4", "film.m3u8", "film.ts"])
def test_a_file_that_lists_others_is_no_film(clip: Path, tmp_path: Path, content: str, name: str) -> None:
    (tmp_path / name).write_text(content.format(clip=clip))
    with pytest.raises(SourceError, match="expected a video"):
        VideoSource(tmp_path / name)


@pytest.mark.parametrize("name", ["concat:secret.ts", "async:secret.ts", "cache:secret.ts"])
def test_a_name_like_a_protocol_is_the_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The marked copy got its sound from the other file."""
    monkeypatch.chdir(tmp_path)
    write_ts(Path("secret.ts"), sound=True)
    write_ts(tmp_path / "silent.ts").rename(tmp_path / name)
    with closing(VideoSource(Path(name))) as source:
        assert len(list(source.frames())) == 12
    with ClipWriter(tmp_path / "copy.mp4", (64, 48), sound_from=Path(name)) as copy:
        copy.write(np.zeros((48, 64, 3), np.uint8), 0.0)
    with av.open(str(tmp_path / "copy.mp4")) as read:
        assert len(read.streams.audio) == 0
