"""Options that several commands have; None means that it was not chosen."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mien.errors import ConfigError

DetectorOption = Annotated[
    str | None,
    typer.Option("--detector", help="Face detector: auto, haar, mtcnn or yunet.", metavar="NAME"),
]
NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--network",
        help="Network that reads expressions: a built-in one or an .onnx file.",
        metavar="NAME|PATH",
    ),
]
MinFaceOption = Annotated[
    int | None,
    typer.Option("--min-face", help="Size of the smallest face to look for, in pixels.", metavar="PIXELS"),
]
PriorOption = Annotated[
    str | None,
    typer.Option(
        "--prior",
        help="How common each expression is where the faces come from: balanced (all equally common),"
        " photographs (the share of people"
        " who would choose each), or a file of shares by label (TOML, JSON) [balanced].",
        metavar="balanced|photographs|FILE",
    ),
]
EveryOption = Annotated[
    int | None, typer.Option("--every", help="Analyse every Nth frame of a video.", metavar="N")
]
FpsOption = Annotated[
    float | None,
    typer.Option("--fps", help="Analyse at most N frames per second of each video.", metavar="N"),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Where the record is stored: a file, or postgresql://... [MIEN_STORE, else your data folder].",
        metavar="PATH|URL",
    ),
]
ClassNamesOption = Annotated[
    str | None,
    typer.Option(
        "--class-names",
        help="What the class numbers mean: affectnet, raf-db, ck+, expw, fer2013, or 1=surprise,2=fear.",
        metavar="NAME|N=WORD,...",
    ),
]

KindOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        help="What a signal is, where its name doesn't say it: ecg, ppg, rate, intervals, eda, respiration,"
        " emg, eeg, eog, temperature, acceleration, other; * in a name stands for any letters; may be"
        " repeated.",
        metavar="NAME=KIND",
    ),
]
TimeUnitOption = Annotated[
    str | None,
    typer.Option("--time-unit", help="Unit of a table's column of times: s, ms, us or ns.", metavar="UNIT"),
]
BoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        help="Which board BrainFlow wrote a table of, as that has no header: cyton, muse-2, synthetic ...",
        metavar="NAME",
    ),
]


def parse_kinds(told: list[str] | None) -> dict[str, str]:
    """Return what signals are by their names, of NAME=KIND.

    Raises:
        ConfigError: one is none such; which kinds there are is found out when the file is read.
    """
    kinds = {}
    for each in told or ():
        name, equals, kind = each.rpartition("=")
        if not equals or not name:
            raise ConfigError(f"--kind: expected NAME=KIND such as 'Channel 1=ecg', received {each!r}")
        kinds[name] = kind.strip()
    return kinds


def number_argument(told: str) -> Any:
    """Return an argument that is the number of something in the store."""
    return typer.Argument(metavar="N", min=0, max=2**31 - 1, help=told)


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
