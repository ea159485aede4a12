"""What commands share that answer for each of several videos: their results' names and where they may go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mien.errors import ConfigError
from mien.files import check_folder, fitting_name


def result_stems(videos: Sequence[str | Path]) -> list[str]:
    """Return what each video's files are called; a number follows where two would be called the same."""
    stems: list[str] = []
    taken: set[str] = set()  # to some disks upper case is lower case
    for video in videos:
        stem = plain = fitting_name(Path(video).stem, room_bytes=32)
        number = 2
        while stem.casefold() in taken:
            stem, number = f"{plain}-{number}", number + 1
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def check_results(
    out: Path, stems: Sequence[str], endings: Sequence[str], videos: Sequence[str | Path]
) -> None:
    """Refuse a folder for results before hours go into them.

    Args:
        out: the folder.
        stems: what each video's files are called there.
        endings: what follows, as "-happy.json".
        videos: what is read.

    Raises:
        ConfigError: a result would overwrite a video.
        OutputError: the folder can't be written.
    """
    check_folder(out)
    written = {(out / f"{stem}{ending}").resolve() for stem in stems for ending in endings}
    if clash := written & {Path(each).resolve() for each in videos}:
        raise ConfigError(f"--out: would overwrite {min(clash)}, which is read")
