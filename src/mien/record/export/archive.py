"""The zip itself: the same files always give the same bytes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import mien
from mien.files import written_whole
from mien.record.documents import FORMAT, FORMAT_VERSION

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_ONLY_MINE: Final = 0o600


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
        self._write("manifest.json", json_bytes(manifest))

    def _write(self, name: str, content: bytes, *, pack: bool = True) -> None:
        info = zipfile.ZipInfo(name, _LONG_AGO)
        info.create_system = 3  # on Windows too, so that the bytes are the same
        info.external_attr = _ONLY_MINE << 16
        info.compress_type = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
        self._file.writestr(info, content)


def json_bytes(value: Any) -> bytes:
    """Give a value as it stands in the zip's JSON files."""
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
