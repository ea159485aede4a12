"""The routes for files, with real photographs and clips, and with attacks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

import av
import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.config import load_settings
from mien.expression.network import built_in_networks
from mien.labels import EMOTIONS
from mien.table import COLUMNS
from mien.web.uploads.jobs import Uploads
from mien.web.uploads.routes import COOKIE, upload_routes
from patience import LIMIT_S
from web.backend import TestClient

NAME = '"Grace" Ü�x:1.jpg'
"""Has what would break a header, if it came there as it is."""

NAP_S = 0.1


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    uploads = Uploads(load_settings(every=12), max_mb=2, most=3, seconds=120.0)
    yield uploads
    uploads.close()


@pytest.fixture
def client(uploads: Uploads) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(upload_routes(uploads), prefix="/api/v1")
    with TestClient(app, base_url="http://127.0.0.1/api/v1/", follow_redirects=False) as client:
        yield client
        client.delete("files")


def send(client: TestClient, data: bytes, name: str, **chosen: str) -> Any:
    return client.post("files", content=data, headers={"X-Mien-Name": quote(name)}, params=chosen)


def read(client: TestClient, data: bytes, name: str, **chosen: str) -> dict[str, Any]:
    """Send a file and wait until it is read; its process sets no event here, so ask now and then."""
    answer = send(client, data, name, **chosen)
    assert answer.status_code == 202, answer.text
    for _ in range(int(LIMIT_S / NAP_S)):
        status: dict[str, Any] = client.get(f"files/{answer.json()['id']}").json()
        if status["state"] in ("done", "failed"):
            return status
        Event().wait(NAP_S)
    raise AssertionError(f"not read in time: {status}")


def write_clip(path: Path, images: list[NDArray[np.uint8]], codec: str) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def codec_of(data: bytes) -> tuple[str, int, int]:
    with av.open(BytesIO(data)) as container:
        stream = container.streams.video[0]
        return stream.codec_context.name, stream.width, stream.height


class TestPhotograph:
    @pytest.fixture
    def done(self, client: TestClient, portrait_path: Path) -> dict[str, Any]:
        return read(client, portrait_path.read_bytes(), NAME.replace("�", "\n"))

    def test_all_of_it(self, done: dict[str, Any], client: TestClient, portrait_path: Path) -> None:
        faces = mien.read(portrait_path)
        assert done["state"] == "done"
        assert (done["name"], done["kind"], done["width"], done["height"]) == (
            NAME, "photograph", 512, 600,
        )  # fmt: skip
        assert done["expressions"] == {faces.labels[0]: 1}
        self.check_table(client.get(f"files/{done['id']}/table.csv"))
        self.check_rows(client.get(f"files/{done['id']}/rows").json(), float(faces.confidence[0]))
        self.check_summary(client.get(f"files/{done['id']}/summary.json"))
        marked, plain = (client.get(f"files/{done['id']}/{part}") for part in ("annotated", "original"))
        for answer in (marked, plain):
            assert answer.headers["content-type"] == "image/jpeg"
            assert Image.open(BytesIO(answer.content)).size == (512, 600)
        # A copy, never the file itself: what else was in it stays behind.
        assert plain.content != portrait_path.read_bytes()
        difference = np.asarray(Image.open(BytesIO(plain.content)), np.int16) - np.asarray(
            Image.open(portrait_path).convert("RGB")
        )
        assert np.abs(difference).mean() < 3
        assert client.get(f"files/{done['id']}/timeline.json").status_code == 404

    @pytest.mark.exhaustive
    def test_why_it_was_read_so(self, done: dict[str, Any], client: TestClient, portrait_path: Path) -> None:
        (expected,) = mien.explain(portrait_path, threads=1)
        told = client.get(f"files/{done['id']}/why.json").json()
        assert [face["words"] for face in told["faces"]] == [expected.words]
        picture = client.get(f"files/{done['id']}/why.png")
        assert picture.headers["content-type"] == "image/png"
        assert Image.open(BytesIO(picture.content)).width > 640  # face, evidence and bars side by side

    def check_table(self, answer: Any) -> None:
        assert answer.headers["content-type"].startswith("text/csv")
        assert "x" not in answer.headers
        assert "%22Grace%22%20%C3%9C%EF%BF%BDx%3A1.table.csv" in answer.headers["content-disposition"]
        lines = list(csv.DictReader(StringIO(answer.text)))
        assert [line["source"] for line in lines] == [NAME]
        assert tuple(lines[0]) == COLUMNS

    def check_rows(self, rows: dict[str, Any], confidence: float) -> None:
        assert (rows["columns"], rows["total"], len(rows["rows"])) == (list(COLUMNS), 1, 1)
        assert rows["rows"][0][COLUMNS.index("confidence")] == pytest.approx(confidence, abs=2e-2)

    def check_summary(self, answer: Any) -> None:
        assert answer.json()["recordings"][0]["path"] == NAME
        assert "mien-files-" not in json.dumps(answer.json()["recordings"])

    @pytest.mark.exhaustive
    def test_another_network_reads_it_where_it_is_chosen(
        self, client: TestClient, portrait_path: Path
    ) -> None:
        done = read(client, portrait_path.read_bytes(), "a.jpg", network="paper")
        assert (done["state"], done["network"]) == ("done", "paper")
        summary = client.get(f"files/{done['id']}/summary.json").json()
        assert summary["models"]["network"]["name"] == "paper"
        (expected,) = mien.explain(portrait_path, network="paper", threads=1)
        (told,) = client.get(f"files/{done['id']}/why.json").json()["faces"]
        assert told["words"] == expected.words
        refused = client.post("files?network=/etc/passwd", content=b"x", headers={"X-Mien-Name": "a.jpg"})
        assert refused.status_code == 400
        assert f"there are {', '.join(built_in_networks())}" in refused.json()["detail"]

    @pytest.mark.exhaustive
    def test_without_a_face_there_is_nothing_to_draw(self, client: TestClient) -> None:
        buffer = BytesIO()
        Image.new("RGB", (200, 200), "grey").save(buffer, "png")
        done = read(client, buffer.getvalue(), "grey.png")
        assert client.get(f"files/{done['id']}/why.json").json() == {"faces": []}
        assert client.get(f"files/{done['id']}/why.png").status_code == 404


class TestVideo:
    def test_a_video_that_browsers_play(self, client: TestClient, shared: Path) -> None:
        data = (shared / "data" / "video" / "single_face.mp4").read_bytes()
        done = read(client, data, "single_face.mp4")
        assert (done["state"], done["error"]) == ("done", None)
        assert (done["kind"], done["frames_analysed"], done["tracks"]) == ("video", 6, 1)
        self.check_timeline(client.get(f"files/{done['id']}/timeline.json").json(), done)
        assert client.get(f"files/{done['id']}/original").content == data
        self.check_jumping(client, f"files/{done['id']}/annotated")

    def check_timeline(self, timeline: dict[str, Any], done: dict[str, Any]) -> None:
        assert timeline["duration_s"] == pytest.approx(done["duration_s"], abs=0.5)
        assert timeline["labels"] == list(EMOTIONS)
        (face,) = timeline["faces"]
        assert face["rows"] == done["rows"]
        assert face["time_s"] == sorted(face["time_s"])
        lengths = {len(face[name]) for name in ("time_s", "probabilities", "valence", "arousal")}
        assert len(lengths) == 1
        # It turns from neutral to a smile.
        shares = [point for point in face["probabilities"] if point]
        assert EMOTIONS[int(np.argmax(shares[0]))] != "happiness"
        assert EMOTIONS[int(np.argmax(shares[-1]))] == "happiness"
        assert all(sum(point) == pytest.approx(1, abs=0.01) for point in shares)

    def check_jumping(self, client: TestClient, address: str) -> None:
        whole = client.get(address)
        assert whole.headers["content-type"] == "video/mp4"
        assert whole.headers["accept-ranges"] == "bytes"
        assert codec_of(whole.content) == ("h264", 640, 360)
        part = client.get(address, headers={"Range": "bytes=1000-1999"})
        assert part.status_code == 206
        assert part.content == whole.content[1000:2000]
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
        assert client.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416

    @pytest.mark.exhaustive
    def test_one_that_browsers_do_not_play_is_copied(
        self, client: TestClient, portrait: NDArray[np.uint8], tmp_path: Path
    ) -> None:
        blank = np.zeros_like(portrait)
        frames = [portrait] * 14 + [blank] * 28 + [portrait] * 6
        data = write_clip(tmp_path / "old.avi", frames, "mpeg4")
        done = read(client, data, "old.avi")
        assert done["state"] == "done", done
        original = client.get(f"files/{done['id']}/original")
        assert original.headers["content-type"] == "video/mp4"
        assert codec_of(original.content) == ("h264", 512, 600)
        timeline = client.get(f"files/{done['id']}/timeline.json").json()
        assert any(None in face["probabilities"] for face in timeline["faces"])  # a gap is a gap

    @pytest.mark.exhaustive
    def test_a_video_without_a_face(self, client: TestClient, tmp_path: Path) -> None:
        data = write_clip(tmp_path / "x.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 13, "libx264")
        done = read(client, data, "x.mp4")
        assert (done["state"], done["rows"], done["coverage"]) == ("done", 0, 0.0)
        assert client.get(f"files/{done['id']}/timeline.json").json()["faces"] == []
        assert client.get(f"files/{done['id']}/rows").json()["rows"] == []


class TestBroken:
    @pytest.mark.parametrize(
        ("name", "data", "words"),
        [
            ("empty.jpg", b"", "received an empty file"),
            ("fake.mp4", b"<script>alert(1)</script>" * 100, "expected a video"),
            ("fake.jpg", b"\0" * 5000, "expected a picture"),
            # A playlist would make FFmpeg open other files.
            ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "expected a video"),
        ],
    )
    def test_one_clear_line(self, name: str, data: bytes, words: str, client: TestClient) -> None:
        failed = read(client, data, name)
        assert failed["state"] == "failed"
        assert failed["error"].startswith(f"{name}: ")
        assert words in failed["error"]
        assert "/" not in failed["error"].replace("(MP4, MOV, MKV, WebM, AVI...)", "")
        assert client.get(f"files/{failed['id']}/table.csv").status_code == 404

    def test_a_video_cut_off(self, client: TestClient, shared: Path) -> None:
        data = (shared / "data" / "video" / "single_face.mp4").read_bytes()
        done = read(client, data[: len(data) // 2], "cut.mp4")
        assert done["state"] == "failed" or "truncated" in done["note"]


class TestAttacks:
    def test_too_large_by_its_own_word(self, client: TestClient) -> None:
        answer = send(client, bytes(2_000_001), "big.mp4")
        assert answer.status_code == 413
        assert answer.json()["detail"].startswith("big.mp4: expected at most 2 MB")
        assert client.get("files").json() == []

    def test_too_large_without_a_word(self, client: TestClient, uploads: Uploads) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(40):
                yield bytes(100_000)

        answer = client.post("files", content=pieces(), headers={"X-Mien-Name": "big.mp4"})
        assert answer.status_code == 413
        assert not any(Path(uploads._folder.name).iterdir())

    @pytest.mark.parametrize("name", ["evil.svg", "evil.html", "evil.py", "evil"])
    def test_wrong_suffix(self, name: str, client: TestClient) -> None:
        assert send(client, b"data", name).status_code == 415

    def test_no_name(self, client: TestClient) -> None:
        assert client.post("files", content=b"data").status_code == 422

    @pytest.mark.parametrize("name", ["../../../tmp/owned.jpg", "..%2f..%2fowned.jpg", "C:\\owned.jpg"])
    def test_a_name_is_only_text(self, name: str, client: TestClient, uploads: Uploads) -> None:
        answer = client.post("files", content=b"data", headers={"X-Mien-Name": name})
        assert answer.json()["name"] == "owned.jpg"
        found = [path.name for path in Path(uploads._folder.name).rglob("*") if path.is_file()]
        assert "owned.jpg" not in found

    @pytest.mark.parametrize(
        "path",
        ["files/..%2f..%2fetc%2fpasswd/table.csv", "files/x", "files/x/annotated", "files/%00/rows"],
    )
    def test_what_is_not_there(self, path: str, client: TestClient) -> None:
        assert client.get(path).status_code in (404, 422)

    def test_others_do_not_see_it(self, client: TestClient) -> None:
        mine = send(client, b"data", "x.jpg").json()["id"]
        cookie = client.cookies[COOKIE]
        client.cookies.clear()
        assert client.get("files").json() == []
        client.cookies.clear()
        client.cookies.set(COOKIE, "guess")
        answer = client.get("files")
        assert answer.json() == []
        assert answer.cookies[COOKIE] != "guess"
        client.cookies.clear()
        client.cookies.set(COOKIE, cookie)
        assert [each["id"] for each in client.get("files").json()] == [mine]

    def test_the_cookie_is_for_the_server_only(self, client: TestClient) -> None:
        words = client.get("files").headers["set-cookie"].lower()
        assert "httponly" in words
        assert "samesite=strict" in words
        assert "max-age" not in words

    def test_too_many_at_once(self, client: TestClient) -> None:
        answers = [send(client, b"data" * 100, "x.jpg") for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert all(answer.headers["retry-after"] == "5" for answer in refused)

    def test_deleting(self, client: TestClient, uploads: Uploads) -> None:
        one, two = (send(client, b"data", "x.jpg").json()["id"] for _ in range(2))
        assert client.delete(f"files/{one}").status_code == 204
        assert client.get(f"files/{one}").status_code == 404
        assert client.delete(f"files/{one}").status_code == 404
        assert client.delete("files").status_code == 204
        assert client.get(f"files/{two}").status_code == 404
        assert client.get("files").json() == []


def test_a_disk_that_fills_while_a_file_comes(
    client: TestClient, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full takes no byte, as a full disk: what had come is gone, and the next file finds its place."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    opened = Path.open

    def full(self: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        return opened(Path("/dev/full"), "wb", 0) if mode == "xb" else opened(self, mode, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        answer = send(client, b"x" * 100_000, "a.jpg")
    assert (answer.status_code, answer.json()["detail"]) == (
        507,
        "the server's disk is full; try later",
    )
    assert client.get("files").json() == []
    assert send(client, b"x", "a.jpg").status_code == 202


@pytest.mark.exhaustive
def test_the_moments_of_a_video_are_chosen_when_asked(
    client: TestClient, tmp_path: Path, portrait: NDArray[np.uint8]
) -> None:
    small = np.asarray(Image.fromarray(portrait).resize((256, 300)))
    done = read(client, write_clip(tmp_path / "clip.mp4", [small] * 40, "libx264"), "my clip.mp4")
    address = f"files/{done['id']}/moments"
    assert client.get(f"{address}.mp4").status_code == 404
    told = client.post(address, json={"length": "2s", "blur_others": True}).json()
    assert 0 < told.get("length_s", 0) <= 2, told
    assert told["pieces"][0]["reason"]
    assert "not its replacement" in told["about"]
    film, board = client.get(f"{address}.mp4"), client.get(f"{address}.png")
    assert codec_of(film.content) == ("h264", 256, 300)
    assert film.headers["content-disposition"].endswith("my%20clip.moments.mp4")
    assert Image.open(BytesIO(board.content)).width > 300
    assert told["pieces"][0]["at_s"] == 0
    refused = client.post(address, json={"length": "90s"})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("length: my clip.mp4 is 4 s long")
    assert client.post(address, json={"length": "-1"}).status_code == 422
    photograph = read(client, _jpeg(small), "a.jpg")
    assert client.post(f"files/{photograph['id']}/moments", json={}).status_code == 422
    grey = read(
        client,
        write_clip(tmp_path / "grey.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 20, "libx264"),
        "g.mp4",
    )
    empty = client.post(f"files/{grey['id']}/moments", json={}).json()
    assert (empty["pieces"], empty["notes"][0]) == ([], "no face in g.mp4: there is nothing to choose by")
    assert client.get(f"files/{grey['id']}/moments.mp4").status_code == 404


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    memory = BytesIO()
    Image.fromarray(image).save(memory, "jpeg")
    return memory.getvalue()
