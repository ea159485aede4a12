"""Hostile files and children that misbehave: at worst the file fails, in one line, and nothing is left."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from mien.config import Settings, load_settings
from mien.errors import SourceError
from mien.web.api.models import Explained
from mien.web.uploads.sandbox import AnalysisRequest, Job, Limits, analyse_upload
from patience import LIMIT_S

LIMITS = Limits(seconds=120.0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps these limits")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings()


def job(program: str, folder: Path, settings: Settings, limits: Limits = LIMITS) -> Job:
    order = {"task": "analyse", "file": str(folder / "upload.mp4"), "name": "clip.mp4", "kind": "video"}
    python = (sys.executable, "-P", "-c", program)
    return Job(order, settings=settings, folder=folder, limits=limits, program=python)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def png_bomb(side: int) -> bytes:
    """A small file with a large black picture in it."""
    buffer = BytesIO()
    Image.new("1", (side, side)).save(buffer, "png")
    return buffer.getvalue()


class TestAnalyseUpload:
    def test_the_setting_limits_a_pictures_size(self, settings: Settings) -> None:
        small = settings.model_copy(update={"max_megapixels": 1.0})
        with pytest.raises(
            SourceError, match=r"^the picture: expected at most 1 million pixels, received 1100"
        ):
            analyse_upload(png_header(1100, 1000), settings=small, limits=LIMITS)

    @pytest.mark.exhaustive
    def test_explains_what_the_api_explains(self, portrait_path: Path, settings: Settings) -> None:
        told = analyse_upload(
            portrait_path.read_bytes(), settings=settings, limits=LIMITS, request=AnalysisRequest("explain")
        )
        (face,) = Explained.model_validate(told).faces
        (expected,) = mien.explain(portrait_path, threads=1)
        assert face.words == expected.words
        np.testing.assert_allclose(face.evidence, expected.evidence, atol=1e-4)
        np.testing.assert_allclose(face.to_picture, expected.to_picture, atol=1e-4)

    @pytest.mark.exhaustive
    def test_network_and_label_are_those_asked_for(self, portrait_path: Path, settings: Settings) -> None:
        data, request = portrait_path.read_bytes(), AnalysisRequest("explain", "paper", "fear")
        (face,) = analyse_upload(data, settings=settings, limits=LIMITS, request=request)["faces"]
        (expected,) = mien.explain(portrait_path, network="paper", label="fear", threads=1)
        assert face["words"] == expected.words
        with pytest.raises(SourceError, match="expected a label of network paper"):
            analyse_upload(
                data,
                settings=settings,
                limits=LIMITS,
                request=AnalysisRequest("explain", "paper", "contempt"),
            )

    def test_reads_what_the_pipeline_reads(self, portrait_path: Path, settings: Settings) -> None:
        read = analyse_upload(portrait_path.read_bytes(), settings=settings, limits=LIMITS)
        faces = mien.read(portrait_path)
        assert read["size_wh"] == [512, 600]
        assert len(read["faces"]) == len(faces) == 1
        face = read["faces"][0]
        assert face["expression"] == faces.labels[0]
        assert face["confidence"] == pytest.approx(float(faces.confidence[0]), abs=1e-4)
        box = [face["x"], face["y"], face["x"] + face["width"], face["y"] + face["height"]]
        np.testing.assert_allclose(box, faces.xyxy[0], atol=0.1)

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "empty"),
            (b"%PDF-1.7 not a picture at all", "received something else"),
            (png_header(50_000, 50_000), "million pixels"),
        ],
        ids=["zero bytes", "no picture", "a header of 50000x50000"],
    )
    def test_bad_files_fail_in_one_line(self, data: bytes, words: str, settings: Settings) -> None:
        with pytest.raises(SourceError, match=words) as caught:
            analyse_upload(data, settings=settings, limits=LIMITS)
        line = str(caught.value)
        assert line.startswith("the picture: ")
        assert "\n" not in line
        assert "mien-files-" not in line

    def test_a_truncated_photograph(self, portrait_path: Path, settings: Settings) -> None:
        data = portrait_path.read_bytes()
        with pytest.raises(SourceError, match="damaged or cut off"):
            analyse_upload(data[: len(data) // 2], settings=settings, limits=LIMITS)

    @pytest.mark.exhaustive
    @linux
    def test_a_bomb_meets_the_memory_limit(self, settings: Settings) -> None:
        data = png_bomb(10_900)
        assert len(data) < 100_000
        with pytest.raises(SourceError, match="needs more than 600 MB of memory"):
            analyse_upload(data, settings=settings, limits=Limits(memory_mb=600, seconds=120.0))

    def test_nothing_is_left(
        self, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with pytest.raises(SourceError, match="empty"):
            analyse_upload(b"", settings=settings, limits=LIMITS)
        assert list(tmp_path.iterdir()) == []


class TestChildren:
    def test_one_that_hangs_is_ended(self, tmp_path: Path, settings: Settings) -> None:
        limits = Limits(seconds=0.5)
        with pytest.raises(SourceError, match=r"clip\.mp4: took longer than 0\.5 s; send a shorter piece"):
            job("import time; time.sleep(100)", tmp_path, settings, limits).run()

    def test_one_that_ignores_being_asked_is_ended(self, tmp_path: Path, settings: Settings) -> None:
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)"
        with pytest.raises(SourceError, match="took longer"):
            job(deaf, tmp_path, settings, Limits(seconds=0.5)).run()

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
    def test_one_that_crashes_is_told(self, tmp_path: Path, settings: Settings) -> None:
        with pytest.raises(SourceError, match=r"clip\.mp4: .*SIGSEGV"):
            job("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path, settings).run()

    def test_one_that_leaves_without_a_word(self, tmp_path: Path, settings: Settings) -> None:
        with pytest.raises(SourceError, match="exit code 3"):
            job("raise SystemExit(3)", tmp_path, settings).run()

    @pytest.mark.parametrize(
        "program",
        [
            "print('no JSON')",
            "print('[1]')",
            "print('{\"result\": 5}')",
            "import sys\nwhile True: sys.stdout.write('x' * 100000)",
        ],
        ids=["words", "a list", "no result", "a line without end"],
    )
    def test_one_that_says_nonsense(self, program: str, tmp_path: Path, settings: Settings) -> None:
        with pytest.raises(SourceError, match="ended unexpectedly"):
            job(program, tmp_path, settings, Limits(seconds=20.0)).run()

    def test_what_it_says_is_checked(self, tmp_path: Path, settings: Settings) -> None:
        said: list[dict[str, Any]] = []
        lines = [
            {"stage": "<b>", "progress": 7},
            {"stage": "copying", "progress": 0.5},
            {"result": {"rows": 1}},
        ]
        program = "".join(f"print({json.dumps(line)!r});" for line in lines)
        assert job(program, tmp_path, settings).run(said.append) == {"rows": 1}
        assert said == [{"stage": "reading", "progress": None}, {"stage": "copying", "progress": 0.5}]

    def test_its_errors_name_no_path(self, tmp_path: Path, settings: Settings) -> None:
        program = (
            "import json, sys\norder = json.loads(sys.stdin.readline())\n"
            "print(json.dumps({'error': order['file'] + ': broken\\n' + order['folder']}))"
        )
        with pytest.raises(SourceError) as caught:
            job(program, tmp_path, settings).run()
        assert str(caught.value) == "clip.mp4: broken\N{REPLACEMENT CHARACTER}"

    def test_cancelling_ends_it(self, tmp_path: Path, settings: Settings) -> None:
        running = job('print(\'{"stage": "reading"}\', flush=True); input(); input()', tmp_path, settings)
        failures: list[str] = []

        def run() -> None:
            try:
                running.run(lambda message: running.cancel())
            except SourceError as error:
                failures.append(str(error))

        thread = Thread(target=run)
        thread.start()
        thread.join(LIMIT_S)
        assert failures == ["clip.mp4: stopped"]
        running.cancel()  # again does no harm

    def test_cancelled_before_it_began(self, tmp_path: Path, settings: Settings) -> None:
        waiting = job(f"open({str(tmp_path / 'ran')!r}, 'w')", tmp_path, settings)
        waiting.cancel()
        with pytest.raises(SourceError, match="stopped"):
            waiting.run()
        assert not (tmp_path / "ran").exists()

    def test_it_sees_no_passwords(
        self, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIEN_PASSWORD", "secret")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        program = "import json, os; print(json.dumps({'result': dict(os.environ)}))"
        seen = job(program, tmp_path, settings).run()
        assert "secret" not in seen.values()
        assert seen["TMPDIR"] == str(tmp_path)


CONFINED = """
import json, os, pathlib, socket, subprocess
from mien.web.uploads.confine import confine
folder = pathlib.Path.cwd()
confine(folder, memory_mb=512, seconds=60, file_mb=1)

def outcome(act):
    try:
        act()
        return "done"
    except BaseException as error:
        return type(error).__name__

print(json.dumps({"result": {
    "memory": outcome(lambda: bytearray(1 << 30)),
    "large": outcome(lambda: (folder / "large").write_bytes(bytes(2 << 20))),
    "small": outcome(lambda: (folder / "small").write_bytes(b"x")),
    "moved": outcome(lambda: ((folder / "sub").mkdir(), (folder / "small").rename(folder / "sub" / "there"))),
    "outside": outcome(lambda: (folder.parent / "outside").write_bytes(b"x")),
    "link": outcome(lambda: (folder / "link").symlink_to("/etc/passwd")),
    "program": outcome(lambda: os.execv("/bin/true", ["true"])),
    "network": outcome(lambda: socket.socket().connect(("127.0.0.1", 9))),
    "many": outcome(lambda: [os.open("/dev/null", os.O_RDONLY) for _ in range(1000)]),
}}))
"""


@linux
class TestConfine:
    @pytest.fixture
    def outcomes(self, tmp_path: Path, settings: Settings) -> dict[str, str]:
        folder = tmp_path / "own"
        folder.mkdir()
        return job(CONFINED, folder, settings).run()

    def test_limits_and_rights(self, outcomes: dict[str, str]) -> None:
        assert outcomes["memory"] == "MemoryError"
        assert outcomes["large"] == outcomes["many"] == "OSError"
        assert outcomes["small"] == outcomes["moved"] == "done"
        if outcomes["outside"] == "done":
            pytest.skip(f"this kernel ({os.uname().release}) has no Landlock")
        assert outcomes["outside"] == outcomes["link"] == outcomes["program"] == "PermissionError"
        assert outcomes["network"] in ("PermissionError", "ConnectionRefusedError")

    def test_it_ends_with_its_parent(self, tmp_path: Path, settings: Settings) -> None:
        """What the child does when nobody holds the other end of its input any more."""
        program = (
            "import threading, time\nfrom mien.web.uploads.child import _end_with_parent\n"
            "threading.Thread(target=_end_with_parent, daemon=True).start()\n"
            "time.sleep(100)"
        )
        child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
        assert child.wait(LIMIT_S) == 1
