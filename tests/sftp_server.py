"""An SFTP server on loopback, by paramiko, which serves one folder to one user."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface

from patience import LIMIT_S

USER, PASSWORD = "lab", "s/cret"

LOCKED = "locked"
"""A folder of this name, hidden or not, may not be looked into."""


class _Login(paramiko.ServerInterface):
    """Lets one user in, by password."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return (
            paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        )


def _told(act: Callable[..., Any]) -> Callable[..., Any]:
    """Answer with SFTP's status for what the disk says."""

    def answer(self: Any, *given: Any) -> Any:
        try:
            return act(self, *given)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    return answer


class _Files(SFTPServerInterface):
    """The files of a folder, as if it were the root."""

    def __init__(self, server: Any, *, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def _path(self, name: str) -> Path:
        return self._folder / self.canonicalize(name).lstrip("/")

    @_told
    def list_folder(self, path: str) -> list[SFTPAttributes]:
        if self._path(path).name.lstrip(".") == LOCKED:  # whom a disk would let in: root
            raise PermissionError(errno.EACCES, "Permission denied")
        return [SFTPAttributes.from_stat(each.lstat(), each.name) for each in self._path(path).iterdir()]

    @_told
    def stat(self, path: str) -> SFTPAttributes:
        return SFTPAttributes.from_stat(self._path(path).stat())

    lstat = stat

    @_told
    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle:
        file = os.fdopen(os.open(self._path(path), flags, 0o600), "r+b" if flags & os.O_RDWR else
                         "wb" if flags & os.O_WRONLY else "rb")  # fmt: skip
        handle = SFTPHandle(flags)
        handle.readfile = handle.writefile = file
        handle.stat = lambda: SFTPAttributes.from_stat(os.fstat(file.fileno()))  # type: ignore[method-assign]
        return handle

    @_told
    def remove(self, path: str) -> int:
        self._path(path).unlink()
        return paramiko.SFTP_OK

    @_told
    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._path(oldpath).replace(self._path(newpath))
        return paramiko.SFTP_OK

    @_told
    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        self._path(path).mkdir()
        return paramiko.SFTP_OK


class SftpServer:
    """A server; its port stays when it is stopped and started again.

    Attributes:
        address: sftp://USER:PASSWORD@127.0.0.1:PORT, the password as addresses have it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, paramiko.ECDSAKey.generate()
        self._port = 0
        self._transports: list[paramiko.Transport] = []
        self.start()
        self.address = f"sftp://{USER}:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{self._port}"

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody, and answer nobody any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in `accept`
        self._listener.close()
        self._thread.join(LIMIT_S)
        for each in self._transports:
            each.close()
            each.join(LIMIT_S)
        self._transports.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", SFTPServer, _Files, folder=self._folder)
            with suppress(paramiko.SSHException, EOFError):
                transport.start_server(server=_Login())
            self._transports.append(transport)


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """Serve a folder until the end of the block."""
    server = SftpServer(folder)
    try:
        yield server
    finally:
        server.stop()
