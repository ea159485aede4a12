"""A network camera on loopback: GStreamer's RTSP server, in a process of the system's own Python.

`python3 tests/rtsp_server.py --help` runs one by hand.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SYSTEM_PYTHON = Path("/usr/bin/python3")

_PICTURE = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,height=120,framerate=25/1"
)
_CODECS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def missing() -> str | None:
    """Return why there can't be such a server here; None when there can."""
    program = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')\n"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None)\n"
        "wanted = 'videotestsrc', 'x264enc', 'jpegenc', 'rtph264pay', 'rtpjpegpay'\n"
        "raise SystemExit(', '.join(n for n in wanted if not Gst.ElementFactory.find(n)) or 0)"
    )
    if not SYSTEM_PYTHON.exists():
        return f"there is no {SYSTEM_PYTHON}"
    done = subprocess.run([SYSTEM_PYTHON, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return f"GStreamer's RTSP server is missing for {SYSTEM_PYTHON}: {done.stderr.strip().splitlines()[-1:]}"


class RtspServer:
    """The server, from its making until `close`; 25 pictures a second of 160x120 pixels.

    Args:
        codec: "h264" or "jpeg".
        password: asked for, of the user "viewer".
    """

    def __init__(self, codec: str = "h264", *, password: str | None = None) -> None:
        self._choice = ["--codec", codec, *(["--password", password] if password else [])]
        self._process = self._start(0)

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the stream is."""
        return f"rtsp://127.0.0.1:{self._port}/live"

    def restart(self) -> None:
        """Start again at the same address."""
        self._process = self._start(self._port)

    def close(self) -> None:
        """Die at once, without a farewell."""
        self._process.kill()
        self._process.communicate()

    def _start(self, port: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [SYSTEM_PYTHON, __file__, "--port", str(port), *self._choice],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        answer = process.stdout.readline()
        if not answer.strip().isdecimal():
            process.kill()
            process.communicate()
            raise RuntimeError("the RTSP server did not start")
        self._port = int(answer)
        return process


def serve(codec: str, port: int, password: str | None) -> None:
    """Serve until standard input is closed, as it is when the parent dies."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(port))
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(f"( {_PICTURE} ! {_CODECS[codec]} )")
    if password:
        _ask_for(password, server, factory, GstRtspServer)
    server.get_mount_points().add_factory("/live", factory)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    if not server.attach(None):
        raise SystemExit(f"port {port} is taken")
    print(server.get_bound_port(), flush=True)
    loop.run()


def _ask_for(password: str, server: object, factory: object, rtsp: object) -> None:
    auth, token = rtsp.RTSPAuth(), rtsp.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(rtsp.RTSPAuth.make_basic("viewer", password), token)
    server.set_auth(auth)
    permissions = rtsp.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", permission, True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a bouncing ball at rtsp://127.0.0.1:PORT/live.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free, and prints it")
    parser.add_argument("--codec", choices=_CODECS, default="h264")
    parser.add_argument("--password", help="asked for, of the user viewer")
    choice = parser.parse_args()
    serve(choice.codec, choice.port, choice.password)
