"""`mien live` as somebody runs it: a process of its own, with folders of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from patience import LIMIT_S


@dataclass
class MienLive:
    """A running `mien live`.

    Attributes:
        folder: everything that it could write lies in here, if it keeps to its own folders.
        process: of the program.
        address: of the page, with a slash at its end.
        lines: what it has said so far.
    """

    folder: Path
    process: subprocess.Popen[str]
    address: str = ""
    lines: list[str] = field(default_factory=list)
    _told: Event = field(default_factory=Event)

    @property
    def port(self) -> int:
        return int(self.address.rstrip("/").rpartition(":")[2])

    def ask(self, path: str) -> Any:
        """Get something from the API, as a program does."""
        return (
            httpx.get(self.address + "api/v1/" + path, trust_env=False, timeout=LIMIT_S)
            .raise_for_status()
            .json()
        )

    def choose(self, purpose: str | None) -> None:
        """Choose what it is used for; None takes the choice back, as on a new machine."""
        if purpose is None:
            (self.folder / "config" / "purpose.json").unlink(missing_ok=True)
            return
        httpx.post(
            self.address + "api/v1/purpose", json={"purpose": purpose}, trust_env=False, timeout=LIMIT_S
        ).raise_for_status()

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def listen(self) -> None:
        """Read what it says, so that it never waits; runs in a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.search(r"https?://\S+:\d+/", line):
                self.address = found[0]
                self._told.set()
        self._told.set()

    def wait_for_address(self) -> None:
        assert self._told.wait(LIMIT_S), "mien live did not start in time"
        assert self.address, f"mien live ended: {self.lines}"


@contextmanager
def mien_live(
    folder: Path, *arguments: str | Path, port: int = 0, store: Path | None = None
) -> Iterator[MienLive]:
    """Run `mien live` without opening a browser, and end it with Ctrl-C."""
    for name in ("config", "temporary", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "MIEN_CONFIG": str(folder / "config"),
        "MIEN_STORE": str(store or folder / "record.sqlite"),
        "TMPDIR": str(folder / "temporary"),
        "HOME": str(folder / "home"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "live", *map(str, arguments), "--port", str(port), "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder / "home",
    )  # fmt: skip
    running = MienLive(folder, process)
    reader = Thread(target=running.listen, daemon=True)
    reader.start()
    try:
        running.wait_for_address()
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(LIMIT_S)
        finally:
            process.kill()
            process.wait(LIMIT_S)
            reader.join(LIMIT_S)
            assert process.stdout is not None
            process.stdout.close()
