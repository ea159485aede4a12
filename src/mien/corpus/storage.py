"""Where inputs lie and tables go: a folder, or what fsspec reaches, such as s3://, gs://, sftp:// and http://.

A file is put whole: on a disk under a temporary name and then renamed, in an object store by its one request.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from mien.errors import OutputError, SourceError
from mien.files import lock_file, natural_key, written_whole
from mien.install import extras_command
from mien.source import find_inputs
from mien.source.address import is_address, without_secrets
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.table import plain_name
from mien.wording import reason

OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""What shows an object when it is whole, and not before."""

_AN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)

_STAMPS: Final = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime", "modified")


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
        ModuleNotFoundError: it is an address, and fsspec or what it needs for it is not installed.
    """
    if not is_address(str(where)):
        return [_local(each.path, each.name) for each in find_inputs([where])]
    address = str(where)
    system, path = _reach(address)
    inside: dict[str, dict[str, Any]] | None = None
    with _told(f"{shown(address)}: cannot look there"):
        if not urlsplit(address).scheme.startswith("http") and system.isdir(path):
            # A whole tree in few requests, instead of one for each folder.
            inside = system.find(path, detail=True)
        else:
            info = system.info(path)
    if inside is None:
        return [_remote(address, _last(address, path), info)]
    files = {each[len(path.rstrip("/")) :].lstrip("/"): info for each, info in inside.items()}
    taken = sorted(filter(_is_input, files), key=natural_key)
    if not taken:
        raise SourceError(f"{shown(address)}: no photographs or videos there")
    return [_remote(f"{address.rstrip('/')}/{name}", name, files[name]) for name in taken]


def look_again(found_where: str) -> tuple[int, str]:
    """Return the size and the stamp of one input as it is now.

    Raises:
        SourceError: it is gone.
    """
    if not is_address(found_where):
        try:
            now = _local(Path(found_where), "")
        except OSError as error:
            raise SourceError(f"{found_where}: {error.strerror}") from error
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
    told = reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return plain_name(_AN_ADDRESS.sub(lambda found: shown(found[0]), told))


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
    """Return fsspec's file system for an address, and the path there."""
    try:
        import fsspec

        # Only these keep listings; SFTP's would hand the option to the server's login.
        store = urlsplit(address).scheme in OBJECT_STORES
        system, path = fsspec.core.url_to_fs(address, **({"use_listings_cache": False} if store else {}))
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{shown(address)}: {error}; fsspec and s3fs come with {extras_command('ray')}", name=error.name
        ) from error
    except (ValueError, OSError) as error:
        raise SourceError(f"{shown(address)}: {_reason(error)}") from error
    return system, path


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
        self._system, self._root = _reach(self.address)
        self._root = self._root.rstrip("/")
        self._shows_whole = urlsplit(address).scheme in OBJECT_STORES

    def put(self, name: str, file: Path) -> None:
        """Put a copy of a file; where a half one would show, under another name first."""
        target = f"{self._root}/{name}"
        folder, _, last = target.rpartition("/")
        with _told(f"cannot write {shown(self.address)}/{name}", OutputError):
            if self._shows_whole:
                self._system.put_file(str(file), target)
                return
            self._system.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.{last}.{os.urandom(4).hex()}"
            self._system.put_file(str(file), temporary)
            self._system.mv(temporary, target)

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
        with _told(f"cannot look into {shown(self.address)}"), suppress(FileNotFoundError):
            files = self._system.ls(f"{self._root}/{folder}", detail=False)
        return [name for each in files if (name := each.rpartition("/")[2])]

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            what = f"cannot remove {shown(self.address)}/{name}"
            with _told(what, OutputError), suppress(FileNotFoundError):
                self._system.rm_file(f"{self._root}/{name}")

    def alone(self) -> AbstractContextManager[None]:
        """Hold off nobody: stores have no locks."""
        return nullcontext()

    def sweep(self, folders: Iterable[str], start: str = ".") -> None:
        """Remove temporary names in some folders; an object store has none."""
        if not self._shows_whole:
            for folder in folders:
                self.remove(f"{folder}/{each}" for each in self._ls(folder) if each.startswith(start))
