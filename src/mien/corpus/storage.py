"""Where inputs lie and tables go: a folder, or what fsspec reaches, such as s3://, gs://, sftp:// and http://.

A file is put whole: on a disk under a temporary name and then renamed, in an object store by its one request.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from mien.errors import ConfigError, OutputError, SourceError
from mien.files import lock_file, natural_key, written_whole
from mien.install import extras_command, install_command
from mien.source import find_inputs
from mien.source.address import is_address, without_secrets
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.table import plain_name
from mien.wording import reason

OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""What shows an object when it is whole, and not before."""

_AN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)

_STAMPS: Final = (
    "ETag", "etag", "md5Hash", "Content-MD5", "Digest",
    "LastModified", "last_modified", "Last-Modified", "updated", "mtime", "modified",
)  # fmt: skip
"""What file systems of fsspec and servers of the web call them."""

_WEB: Final = frozenset({"http", "https"})
_SSH: Final = frozenset({"sftp", "ssh"})

_PACKAGES: Final = {"sftp": "paramiko", "ssh": "paramiko", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs",
                    "abfs": "adlfs", "abfss": "adlfs"}  # fmt: skip
"""What fsspec needs for a store beside what the extra brings."""

for _library in ("paramiko", "gcsfs"):  # which write tracebacks beside what they raise, unless told otherwise
    logging.getLogger(_library).addHandler(logging.NullHandler())

_CONNECT_S: Final = 30.0
_SILENT_S: Final = 60.0
"""A server that says nothing for so long is away; a film may take hours to come."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input as it lies there.

    Attributes:
        where: its path or address, to be opened.
        address: the same without a password or a token, to be kept and shown; no two inputs share it.
        name: below the folder that was asked for, with "/".
        size: in bytes; -1 where a server doesn't say.
        stamp: tells one state of it from the next: an ETag, or the time of its last change.
    """

    where: str
    address: str
    name: str
    size: int
    stamp: str


def find(where: str | Path) -> list[Found]:
    """Return the photographs and videos of a folder, with all below it, or the one file, in natural order.

    Raises:
        SourceError: there is none, or the place can't be reached.
        ConfigError: it is an address, and fsspec or what that needs for it is not installed.
    """
    if not is_address(str(where)):
        return [_local(each.path, each.name) for each in find_inputs([where])]
    address = str(where)
    scheme = urlsplit(address).scheme
    system, path = _reach(address)
    inside: dict[str, dict[str, Any]] | None = None
    with _told(f"{shown(address)}: cannot look there"):
        if scheme not in _WEB and system.isdir(path):
            # A whole tree in few requests, where the store has them, instead of one for each folder.
            inside = _tree(system, path) if scheme in _SSH else system.find(path, detail=True)
        else:
            info = system.info(path)
    if inside is None:
        name = _last(address, path)
        if not name and not urlsplit(address).query:
            raise SourceError(f"{shown(address)}: a folder can't be listed over HTTP; name each file in it")
        return [_remote(address, name, info)]
    files = {each[len(path.rstrip("/")) :].lstrip("/"): info for each, info in inside.items()}
    taken = sorted(filter(_is_input, files), key=natural_key)
    if not taken:
        raise SourceError(f"{shown(address)}: no photographs or videos there")
    return [_remote(f"{address.rstrip('/')}/{name}", name, files[name]) for name in taken]


def _tree(system: Any, path: str) -> dict[str, dict[str, Any]]:
    """Return the files below a folder of a server of SFTP, each with its info.

    Fsspec's own way passes over folders that may not be read, and takes a link's size for its file's.
    """
    files: dict[str, dict[str, Any]] = {}
    left = [path]
    while left:
        for info in system.ls(left.pop(), detail=True):
            name = info["name"]
            if info["type"] == "link":
                with suppress(FileNotFoundError):  # a link to nothing is an input that can't be had
                    info = system.info(name)
                if info["type"] != "directory":  # a linked folder may lead back to this one
                    files[name] = info
            elif info["type"] != "directory":
                files[name] = info
            elif not name.rpartition("/")[2].startswith("."):
                left.append(name)
    return files


def look_again(found_where: str) -> tuple[int, str]:
    """Return the size and the stamp of one input as it is now.

    Raises:
        SourceError: it is gone.
    """
    if not is_address(found_where):
        try:
            now = _local(Path(found_where), "")
        except OSError as error:
            raise SourceError(f"{found_where}: {reason(error)}") from error
    else:
        (now,) = find(found_where)
    return now.size, now.stamp


def download(where: str, folder: Path) -> Path:
    """Return a path of an input on this machine: its own, or that of a copy in `folder`.

    Raises:
        SourceError: it can't be had.
        OutputError: the disk is full, which would stop every other input too.
    """
    if not is_address(where):
        return Path(where)
    if "***" in where:
        raise SourceError(f"{where}: its address had a password or a token, which is not kept; name it again")
    system, path = _reach(where)
    copy = folder / f"input{Path(_last(where, path)).suffix}"
    with _told(f"cannot download {shown(where)}"):
        system.get_file(path, str(copy))
    return copy


def shown(address: str) -> str:
    """Return an address without a password or a token; a store's own names may have any character."""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return without_secrets(address)
    if is_address(address) and parts.password:
        return address.replace(f":{parts.password}@", ":***@", 1)
    return address


def _kept(address: str) -> str:
    """Return an address as shown, with a digest of what is not: get.mp4?id=1 is not get.mp4?id=2.

    A password, and who it is of, stay out of the digest, from which they could be guessed.
    """
    parts = urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if shown(bare) == bare:
        return shown(address)
    return f"{shown(address)}#{hashlib.sha256(bare.encode(errors='surrogateescape')).hexdigest()[:12]}"


@contextmanager
def _told(what: str, kind: type[OutputError | SourceError] = SourceError) -> Iterator[None]:
    """Raise what a disk or a library of fsspec's says, each of which has its own errors, as one of ours.

    Only what is asked of it stands in the block: a mistake of ours is not to look like one of the place's.
    """
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (OutputError if full else kind)(f"{what}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return an error's reason in one line; libraries name the address with its password and token."""
    error = _what_happened(error)
    if (status := getattr(error, "status", None)) and (words := getattr(error, "message", None)):
        told = f"the server answers {status} {words}"
    elif isinstance(error, FileNotFoundError) and not error.strerror:
        told = (
            "the server answers 404 Not Found" if str(error).startswith("http") else "there is no such file"
        )
    elif isinstance(error, OSError):
        told = reason(error) or f"no answer ({type(error).__name__})"
    else:
        told = f"{type(error).__name__}: {error}"
    return plain_name(_AN_ADDRESS.sub(lambda found: shown(found[0]), told.partition("\n")[0].rstrip(": ")))


def _what_happened(error: Exception) -> Exception:
    """Return what stands behind an error: over HTTP, fsspec says of any that there is no such file."""
    while isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _is_input(name: str) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and Path(name).suffix.lower() in PHOTOGRAPHS | VIDEOS


def _last(address: str, path: str) -> str:
    """Return what a file is called; only on the web does a name end with "?" or "#"."""
    web = urlsplit(address).scheme.startswith("http")
    return (urlsplit(address).path if web else path).rpartition("/")[2]


def _local(path: Path, name: str) -> Found:
    stat, whole = path.stat(), str(path.absolute())
    return Found(whole, whole, plain_name(name), stat.st_size, str(stat.st_mtime_ns))


def _remote(address: str, name: str, info: dict[str, Any]) -> Found:
    stamp = next((str(info[each]) for each in _STAMPS if info.get(each) is not None), "")
    size = info.get("size")
    return Found(address, _kept(address), plain_name(name), -1 if size is None else int(size), stamp)


def _reach(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and the path there.

    Raises:
        SourceError: there is none, or the server refuses the login or doesn't answer.
        ConfigError: what it needs is not installed.
    """
    scheme = urlsplit(address).scheme
    with _told(f"{shown(address)}: cannot connect there"):
        try:
            return _over_ssh(address) if scheme in _SSH else _by_fsspec(address, scheme)
        except ImportError as error:
            missing = error
    package = _PACKAGES.get(scheme) if find_spec("fsspec") else None
    if package:
        needs = f"{package}: {install_command(package)}"
    else:
        needs = f"fsspec, and s3fs for s3://: {extras_command('ray')}"
    raise ConfigError(f"{shown(address)} needs {needs}") from missing


def _by_fsspec(address: str, scheme: str) -> tuple[Any, str]:
    import fsspec

    options: dict[str, Any] = {}
    if scheme in OBJECT_STORES:  # only these keep listings
        options["use_listings_cache"] = False
    elif scheme in _WEB:
        import aiohttp

        # By itself it gives up after five minutes, in the midst of a long film.
        patience = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENT_S)
        options["client_kwargs"] = {"timeout": patience}
    system, path = fsspec.core.url_to_fs(address, **options)
    return system, path


def _over_ssh(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for a server of SFTP, and the path there.

    The address is taken apart here: fsspec leaves a password's %40 as it is, and takes what stands behind a
    "?" or "#" of a name for options of the login.
    """
    import fsspec

    parts = urlsplit(address)
    told = {
        "port": parts.port,
        "username": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
    }
    login = {name: value for name, value in told.items() if value} | {"timeout": _CONNECT_S}
    system = fsspec.filesystem("sftp", host=parts.hostname, **login)
    if not (system.client.get_transport() and system.client.get_transport().is_active()):
        # The server has hung up since; fsspec keeps the connection all the same.
        system.clear_instance_cache()
        system = fsspec.filesystem("sftp", host=parts.hostname, **login)
    system.ftp.get_channel().settimeout(_SILENT_S)
    return system, address.partition("://")[2][len(parts.netloc) :] or "/"


class Storage(Protocol):
    """A folder of files, each put whole; names have "/"."""

    address: str

    def put(self, name: str, file: Path) -> None:
        """Put a copy of a file, in place of an earlier one."""

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of files; None for one that is not there."""

    def names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder, without it; none where there is no such folder."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are passed over."""

    def alone(self) -> AbstractContextManager[None]:
        """Hold off a second run, whose sweep would take what the first is writing, where the place can."""

    def sweep(self, folders: Iterable[str], start: str = ".") -> None:
        """Remove what killed processes have left half written in some folders, with a dot in front."""


def open_storage(where: str | Path) -> Storage:
    """Return the folder at a path or an address; it is made when something is put there."""
    return RemoteFolder(str(where)) if is_address(str(where)) else LocalFolder(Path(where))


def write_json_to(storage: Storage, name: str, value: Any) -> None:
    """Put a JSON file; the same value gives the same bytes."""
    with TemporaryDirectory(prefix="mien-") as folder:
        file = Path(folder, "value.json")
        # In ASCII: a disk's names may be bytes that are no text.
        file.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "ascii")
        storage.put(name, file)


class LocalFolder:
    """A folder of this machine, or one that several share.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self.address = str(self._path)

    def put(self, name: str, file: Path) -> None:
        """Put a copy of a file; it is on the disk before it has its name."""
        with written_whole(self._path / name) as temporary, temporary.open("r+b") as whole:
            with file.open("rb") as content:
                shutil.copyfileobj(content, whole)
            whole.flush()
            os.fsync(whole.fileno())

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of files."""
        with _told(f"cannot read {self.address}"):
            return [path.read_bytes() if (path := self._path / name).is_file() else None for name in names]

    def names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder."""
        path = self._path / folder
        if not path.is_dir():
            return set()
        with _told(f"cannot look into {path}"), os.scandir(path) as files:
            return {each.name for each in files if not each.name.startswith(".")}

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        with _told(f"cannot remove files in {self.address}", OutputError):
            for name in names:
                (self._path / name).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off a second run; the lock ends with the process, however that ends."""
        with ExitStack() as stack:
            try:
                self._path.mkdir(parents=True, exist_ok=True)
                lock_file(stack.enter_context((self._path / ".lock").open("w")))
            except BlockingIOError as error:
                raise OutputError(f"{self.address}: another run writes this corpus; wait for it") from error
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # a disk without locks
                    raise OutputError(f"cannot write {self.address}: {_reason(error)}") from error
            yield

    def sweep(self, folders: Iterable[str], start: str = ".") -> None:
        """Remove temporary names in some folders."""
        with _told(f"cannot remove files in {self.address}", OutputError):
            for folder in folders:
                for path in (self._path / folder).glob(f"{start}*"):
                    path.unlink(missing_ok=True)


class RemoteFolder:
    """A folder that fsspec reaches.

    Args:
        address: such as "s3://bucket/folder".
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._root = _reach(self.address)[1].rstrip("/")
        self._shows_whole = urlsplit(address).scheme in OBJECT_STORES

    @property
    def _system(self) -> Any:
        """Fsspec's, which keeps it: asked each time, as a server may have hung up while a film was read."""
        return _reach(self.address)[0]

    def put(self, name: str, file: Path) -> None:
        """Put a copy of a file; where a half one would show, under another name first."""
        if urlsplit(self.address).scheme in _WEB:
            raise OutputError(f"{shown(self.address)}: a corpus can't be written over HTTP")
        target = f"{self._root}/{name}"
        folder, _, last = target.rpartition("/")
        system = self._system
        with _told(f"cannot write {shown(self.address)}/{name}", OutputError):
            if self._shows_whole:
                system.put_file(str(file), target)
                return
            system.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.{last}.{os.urandom(4).hex()}"
            system.put_file(str(file), temporary)
            system.mv(temporary, target)

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of files, many requests at a time where the store takes them."""
        paths = [f"{self._root}/{name}" for name in names]
        if not paths:
            return []
        # Not by cat, which takes the brackets of an address for a pattern.
        contents = self._system.cat_ranges(paths, None, None, on_error="return")
        for path, content in zip(paths, contents, strict=True):
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                with _told(f"cannot read {path}"):
                    raise content
        return [content if isinstance(content, bytes) else None for content in contents]

    def names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder."""
        return {name for name in self._ls(folder) if not name.startswith(".")}

    def _ls(self, folder: str) -> list[str]:
        files: list[str] = []
        system = self._system
        with _told(f"cannot look into {shown(self.address)}"), suppress(FileNotFoundError):
            files = system.ls(f"{self._root}/{folder}", detail=False)
        return [name for each in files if (name := each.rpartition("/")[2])]

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        system = self._system
        for name in names:
            what = f"cannot remove {shown(self.address)}/{name}"
            with _told(what, OutputError), suppress(FileNotFoundError):
                system.rm_file(f"{self._root}/{name}")

    def alone(self) -> AbstractContextManager[None]:
        """Hold off nobody: stores have no locks."""
        return nullcontext()

    def sweep(self, folders: Iterable[str], start: str = ".") -> None:
        """Remove temporary names in some folders; an object store has none."""
        if not self._shows_whole:
            for folder in folders:
                self.remove(f"{folder}/{each}" for each in self._ls(folder) if each.startswith(start))
