"""What a request names: files as they are, folders with all that is in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from mien.errors import SourceError
from mien.files import natural_key
from mien.source.address import is_address, is_camera, without_secrets
from mien.source.base import is_folder

Kind = Literal["photograph", "video"]

PHOTOGRAPHS: Final = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ".ppm", ".pgm", ".pnm", ".jp2", ".avif", ".heic", ".heif",
})  # fmt: skip
"""Suffixes of the photographs that are looked for in a folder."""

VIDEOS: Final = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts",
    ".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".dv",
})  # fmt: skip
"""Suffixes of the videos that are looked for in a folder. Not .ts: most of those are TypeScript."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read.

    Attributes:
        path: where it is.
        kind: "photograph" or "video".
        name: its name within the request, relative and with "/"; no other input has the same.
    """

    path: Path
    kind: Kind
    name: str


def kind_of(path: Path) -> Kind:
    """Say what a file is: by its suffix, or by its content where the suffix says nothing.

    Raises:
        SourceError: the suffix says nothing, and the file is missing, empty, or may not be read.
    """
    if known := _kind_by_suffix(path):
        return known
    from mien.source.images import is_photograph  # Pillow, only for files with odd names

    return "photograph" if is_photograph(path) else "video"


def find_inputs(paths: Iterable[Path | str]) -> list[Input]:
    """Expand files and folders into the list of files to read.

    Folders are searched with all below them, in natural order (img2 before img10), by suffix; hidden files
    and folders are left out. A file that is named itself is taken whatever its suffix. What two paths lead to
    is read once.

    Args:
        paths: files and folders, in the order wanted.

    Returns:
        One `Input` for each file. A file's name is its bare name or, in a folder, its place below that folder
        ("sub/img2.jpg"); where two would share a name, the folders above are added until they differ.

    Raises:
        SourceError: a path is missing, a folder may not be read, or has nothing to read in it; or it is a
            camera or a stream, which has no end.
    """
    found: dict[Path, tuple[Path, Path, Kind]] = {}
    for path in map(_file_path, paths):
        for file, kind in _expand(path):
            root = path.parent if file == path else path
            found.setdefault(file.resolve(), (root, file, kind))
    names = _unique_names([(root.resolve(), file.relative_to(root)) for root, file, _ in found.values()])
    return [Input(file, kind, name) for (_, file, kind), name in zip(found.values(), names, strict=True)]


def _kind_by_suffix(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    return "photograph" if suffix in PHOTOGRAPHS else "video" if suffix in VIDEOS else None


def _file_path(path: Path | str) -> Path:
    if is_address(path) or is_camera(path):
        raise SourceError(
            f"{without_secrets(path)}: expected a file or folder, received a camera or stream; watch it with "
            "mien live (a file of that name is ./NAME)"
        )
    return Path(path)


def _expand(path: Path) -> list[tuple[Path, Kind]]:
    if not is_folder(path):
        return [(path, kind_of(path))]
    inside = sorted(_walk(path), key=lambda file: natural_key(file.relative_to(path)))
    files = [(file, kind) for file in inside if (kind := _kind_by_suffix(file))]
    if not files:
        raise SourceError(
            f"{path}: expected photographs (JPEG, PNG, TIFF...) or videos (MP4, MOV, MKV, AVI...) in this "
            "folder, received none; name another folder, or the files themselves"
        )
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def _refuse(error: OSError) -> None:
    raise SourceError(f"{error.filename}: no permission to look into it; change its permissions") from error


def _unique_names(files: list[tuple[Path, Path]]) -> list[str]:
    # Without "/" and "C:", as results are written under these names and must stay in their folder.
    above = [[root.drive.rstrip(":"), *root.relative_to(root.anchor).parts] for root, _ in files]
    names = [PurePosixPath(*inside.parts) for _, inside in files]
    while shared := {name for name, count in Counter(names).items() if count > 1}:
        for place, name in enumerate(names):
            if name in shared and above[place]:
                names[place] = above[place].pop() / name
    return [str(name) for name in names]
