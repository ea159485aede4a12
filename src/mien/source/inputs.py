"""What a request names: files as they are, folders with all that is in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from mien.errors import SourceError
from mien.files import natural_key
from mien.source.address import is_address, is_camera, is_store, without_secrets
from mien.source.base import is_folder
from mien.wording import first_few

Kind = Literal["photograph", "video"]

PHOTOGRAPHS: Final = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ".ppm", ".pgm", ".pnm", ".jp2", ".avif", ".heic", ".heif", ".hif",
})  # fmt: skip
"""Suffixes of the photographs that are looked for in a folder."""

VIDEOS: Final = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".divx", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v",
    ".vob", ".mod", ".tod", ".ts", ".mts", ".m2ts", ".m2t", ".trp", ".wmv", ".asf", ".flv", ".f4v",
    ".3gp", ".3g2", ".ogv", ".ogm", ".rm", ".rmvb", ".mxf", ".dv", ".nut", ".ivf",
    ".h264", ".264", ".h265", ".265", ".hevc",
})  # fmt: skip
"""Suffixes of the videos that are looked for in a folder."""

_SHARED_SUFFIXES: Final = frozenset({".ts", ".mts", ".mod"})
"""Suffixes of other things too (TypeScript, Go, music): in a folder, such a file's content decides."""

_MPEG_PACK: Final = b"\x00\x00\x01\xba"
_SYNC: Final = 0x47
_PACKETS_BYTES: Final = (188, 192, 204)
"""ISO/IEC 13818-1: transport packets begin with 0x47; 192 bytes with a time before them, 204 with parity."""


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


@dataclass(frozen=True, slots=True)
class Search:
    """What was found in files and folders.

    Attributes:
        inputs: the files to read.
        skipped: the files in the folders that are neither photographs nor videos, as far as their names say.
    """

    inputs: tuple[Input, ...]
    skipped: tuple[Path, ...]


def kind_of(path: Path) -> Kind:
    """Return what a file is: by its suffix, or by its content where the suffix says nothing.

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
    return list(search(paths).inputs)


def search(paths: Iterable[Path | str]) -> Search:
    """Expand files and folders as `find_inputs` does, and return which files in the folders were not taken.

    Raises:
        SourceError: as `find_inputs` does.
    """
    skipped: dict[Path, Path] = {}
    found: dict[Path, tuple[Path, Path, Kind]] = {}
    for path in map(_file_path, paths):
        for file, kind in _expand(path):
            if kind is None:
                skipped.setdefault(file.resolve(), file)
                continue
            root = path.parent if file == path else path
            found.setdefault(file.resolve(), (root, file, kind))
    names = _unique_names([(root.resolve(), file.relative_to(root)) for root, file, _ in found.values()])
    inputs = [Input(file, kind, name) for (_, file, kind), name in zip(found.values(), names, strict=True)]
    left = [file for place, file in skipped.items() if place not in found]
    return Search(tuple(inputs), tuple(left))


def _kind_by_suffix(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    return "photograph" if suffix in PHOTOGRAPHS else "video" if suffix in VIDEOS else None


def _kind_in_folder(path: Path) -> Kind | None:
    if path.suffix.lower() in _SHARED_SUFFIXES and not _is_mpeg(path):
        return None
    return _kind_by_suffix(path)


def _is_mpeg(path: Path) -> bool:
    """Return whether a file is an MPEG programme or transport stream, which may be cut anywhere."""
    try:
        with path.open("rb") as file:
            start = file.read(3 * max(_PACKETS_BYTES))
    except OSError:
        return True  # reading it says what is wrong
    return start.startswith(_MPEG_PACK) or any(
        set(start[place : place + 2 * size + 1 : size]) == {_SYNC}
        for size in _PACKETS_BYTES
        if len(start) > 2 * size
        for place in range(min(size, len(start) - 2 * size))
    )


def _file_path(path: Path | str) -> Path:
    if is_store(path):
        raise SourceError(
            f"{without_secrets(path)}: expected a file or folder, received an object store; read it with "
            "mien corpus analyze"
        )
    if is_address(path) or is_camera(path):
        raise SourceError(
            f"{without_secrets(path)}: expected a file or folder, received a camera or stream; read it with "
            "mien live (for a file of that name, write ./NAME)"
        )
    return Path(path)


def _expand(path: Path) -> list[tuple[Path, Kind | None]]:
    if not is_folder(path):
        return [(path, kind_of(path))]
    inside = sorted(_walk(path), key=lambda file: natural_key(file.relative_to(path)))
    files = [(file, _kind_in_folder(file)) for file in inside]
    if not any(kind for _, kind in files):
        others = f", but {some(inside, path)}" if inside else ""
        raise SourceError(
            f"{path}: expected photographs (JPEG, PNG, TIFF...) or videos (MP4, MOV, MKV, AVI...) in this "
            f"folder, received none{others}; give another folder, or the files themselves"
        )
    return files


def some(files: Sequence[Path], folder: Path | None = None, *, most: int = 5) -> str:
    """Name the first few of many files: "a.raw, b.raw and 12 more".

    Args:
        files: at least one.
        folder: names are given from there; bare ones where left out.
        most: how many names.
    """
    return first_few((str(file.relative_to(folder) if folder else file.name) for file in files), most)


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
