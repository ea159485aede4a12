"""What commands share that answer for each of several videos, one after another."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import typer

from mien.cli.console import print_error, print_json, progress_bar
from mien.errors import ConfigError, MienError, ModelError, OutputError
from mien.files import check_folder, fitting_name
from mien.wording import count


class Answer(Protocol):
    """What is said of one video."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""

    def save(self, folder: Path, stem: str) -> list[Path]:
        """Write it as files whose names begin with `stem`."""


A = TypeVar("A", bound=Answer)


def answer_each(
    videos: Sequence[str | Path],
    read: Callable[[str | Path, Callable[[float], None]], A],
    tell: Callable[[A], None],
    *,
    out: Path | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Answer for one video after another; one that can't be read is named, and the others are still read.

    Args:
        videos: their paths.
        read: gives the answer for one; it is told where to report the share that is done.
        tell: prints an answer for people.
        out: the folder for results; None writes none.
        as_json: print one list for all of them instead, in which one that can't be read has its error.
        debug: print a traceback with a mistake of ours.

    Raises:
        typer.Exit: with 1 at the end, where one couldn't be read.
        ConfigError, ModelError, OutputError: what would stop every other video too.
    """
    told: list[dict[str, Any]] = []
    failed = 0
    for video, stem in zip(videos, result_stems(videos), strict=True):
        name = Path(video).name
        try:
            with progress_bar(name, 1.0, wanted=not as_json) as show:
                found = read(video, show)
        except (ConfigError, ModelError, OutputError, ImportError):
            raise
        except Exception as error:
            # The border of one video: whatever a damaged file does to a decoder, the others are still read.
            failed += 1
            told.append({"source": name, "error": _reason(video, error, debug=debug)})
            print_error(told[-1]["error"])
            continue
        files = [] if out is None else found.save(out, stem)
        told.append(found.as_dict() | {"files": [str(each) for each in files]})
        if not as_json:
            tell(found)
            for each in files:
                typer.echo(f"  {each.suffix[1:]:8} {each}")
    if as_json:
        print_json(told)
    if failed:
        if len(videos) > 1:
            print(f"mien: {len(videos) - failed} of {count(len(videos), 'video')} were read", file=sys.stderr)
        raise typer.Exit(1)


def _reason(video: str | Path, error: Exception, *, debug: bool) -> str:
    if isinstance(error, MienError):
        return str(error)
    if debug:
        traceback.print_exception(error)
    return f"cannot read {video}: {type(error).__name__}: {error}"


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


def check_results(out: Path, endings: Sequence[str], videos: Sequence[str | Path]) -> None:
    """Refuse a folder for results before hours go into them.

    Args:
        out: the folder.
        endings: how the names of a video's results end, as "-happy.json".
        videos: what is read.

    Raises:
        ConfigError: a result would overwrite a video.
        OutputError: the folder can't be written.
    """
    check_folder(out)
    written = {(out / f"{stem}{ending}").resolve() for stem in result_stems(videos) for ending in endings}
    if clash := written & {Path(each).resolve() for each in videos}:
        raise ConfigError(f"--out: would overwrite {min(clash)}, which is read")
