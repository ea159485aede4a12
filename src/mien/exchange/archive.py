"""The zip of an exported record: written so that the same files give the same bytes, read with suspicion."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

import mien
from mien.errors import SourceError
from mien.exchange.documents import FORMAT, FORMAT_VERSION, Manifest
from mien.files import written_whole
from mien.wording import reason

MOST_FILES: Final = 500_000
MOST_JSON_BYTES: Final = 64 << 20
"""A JSON file is read into memory whole."""
MOST_GROWTH: Final = 150
"""A zip that unpacks to more than so many times its size is a trap: ours grow to about five times theirs."""

_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(
    r"(README\.txt|record\.json|days\.csv|fhir-(r5|r4b)\.json|schema/[a-z]+\.schema\.json"
    r"|recordings/\d{4}-\d\d-\d\d_[0-9a-f]{32}/(readings\.csv|readings\.parquet|events\.json"
    r"|signals\.csv|signals\.parquet|signals\.edf))"
)
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_ONLY_MINE: Final = 0o600
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BLOCK_BYTES: Final = 1 << 20

T = TypeVar("T")


class ArchiveWriter:
    """Writes files into a zip, and a manifest of them at the end.

    Args:
        file: the zip, open.
    """

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: bytes, *, pack: bool = True) -> None:
        """Add a file.

        Args:
            name: in the zip.
            content: of the file.
            pack: False for what is compressed already.
        """
        self._files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        self._write(name, content, pack=pack)

    def add_json(self, name: str, value: Any) -> None:
        """Add a JSON file, indented, in UTF-8."""
        self.add(name, json_bytes(value))

    def close(self) -> None:
        """Write the manifest."""
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "mien_version": mien.__version__,
            "files": self._files,
        }
        self._write(_MANIFEST, json_bytes(manifest))

    def _write(self, name: str, content: bytes, *, pack: bool = True) -> None:
        info = zipfile.ZipInfo(name, _LONG_AGO)
        info.create_system = 3  # on Windows too, so that the bytes are the same
        info.external_attr = _ONLY_MINE << 16
        info.compress_type = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
        self._file.writestr(info, content)


def json_bytes(value: Any) -> bytes:
    """Return a value as it stands in the zip's JSON files."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Open a zip for writing; it stands under its name, whole and readable by its owner alone, in the end.

    Raises:
        OutputError: it can't be written.
    """
    with written_whole(path, mode=_ONLY_MINE) as temporary, zipfile.ZipFile(temporary, "w") as file:
        writer = ArchiveWriter(file)
        yield writer
        writer.close()


class ArchiveReader:
    """A zip whose names, sizes and hashes are as its manifest says.

    Nothing is ever written under a name that stands in it.

    Args:
        path: names it in errors.
        file: the zip, open.

    Raises:
        SourceError: it is not such a zip, or was changed or damaged.
    """

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self._path, self._file = path, file
        self._check_sizes()
        self.manifest = self._read_manifest()
        self._check_names()
        for name in self.manifest.files:
            self._check_hash(name)

    def read(self, name: str, form: TypeAdapter[T]) -> T:
        """Read a JSON file.

        Raises:
            SourceError: it is missing, too large, or not of this form.
        """
        if self._info(name).file_size > MOST_JSON_BYTES:
            raise self.error(f"{name} is larger than {MOST_JSON_BYTES >> 20} MB")
        with self.open(name) as file:
            content = file.read()
        try:
            return form.validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            raise self.error(f"{name}: {place + ': ' if place else ''}{first['msg']}") from error

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading.

        Raises:
            SourceError: it is missing or damaged.
        """
        with self._told(name), self._file.open(self._info(name)) as file:
            yield file

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise self.error(f"{name} cannot be read: {reason}") from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._file.getinfo(name)
        except KeyError as error:
            raise self.error(f"{name} is missing") from error

    def _check_sizes(self) -> None:
        infos = self._file.infolist()
        packed = self._path.stat().st_size
        if len(infos) > MOST_FILES or sum(each.file_size for each in infos) > MOST_GROWTH * packed:
            raise self.error("it would unpack to far more than any record needs")
        if any(each.flag_bits & 1 or each.compress_type not in _METHODS for each in infos):
            raise self.error("it is encrypted, or packed in a way that `mien export` does not use")

    def _read_manifest(self) -> Manifest:
        said = self.read(_MANIFEST, TypeAdapter(dict[str, object]))
        if said.get("format") != FORMAT:
            raise self.error(f"{_MANIFEST} does not say that it is a record that `mien export` wrote")
        version = said.get("format_version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise self.error(
                f"it was written by a newer Mien ({said.get('mien_version')}): this one reads format"
                f" {FORMAT_VERSION}, not {version}. Install a newer Mien"
            )
        return self.read(_MANIFEST, TypeAdapter(Manifest))

    def _check_names(self) -> None:
        names = [each.filename for each in self._file.infolist()]
        if len(set(names)) != len(names):
            raise self.error("it holds the same name twice")
        if strange := sorted(name for name in names if name != _MANIFEST and not _NAME.fullmatch(name)):
            raise self.error(f"it holds a file that no record has: {strange[0]!r:.80}")
        listed = set(self.manifest.files)
        if missing := sorted(listed - set(names)):
            raise self.error(f"{missing[0]!r:.80} is missing")
        if unlisted := sorted(set(names) - listed - {_MANIFEST}):
            raise self.error(f"{unlisted[0]} is not listed in {_MANIFEST}")

    def _check_hash(self, name: str) -> None:
        expected, digest = self.manifest.files[name], hashlib.sha256()
        with self.open(name) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        if self._info(name).file_size != expected.bytes or digest.hexdigest() != expected.sha256:
            raise self.error(f"{name} was changed or damaged: its SHA-256 is not the one in {_MANIFEST}")

    def error(self, reason: str) -> SourceError:
        """Return the error that says why this zip can't be imported."""
        return SourceError(f"cannot import {self._path}: {reason}")


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open an exported zip.

    Raises:
        SourceError: see `ArchiveReader`.
    """
    try:
        file = zipfile.ZipFile(path)
    except OSError as error:
        raise SourceError(f"cannot import {path}: {reason(error)}") from error
    except (zipfile.BadZipFile, ValueError) as error:
        raise SourceError(
            f"cannot import {path}: {error}; expected a zip that `mien export` wrote"
        ) from error
    with file:
        yield ArchiveReader(path, file)
