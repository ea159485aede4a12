"""`mien study`: epochs around an experiment's stimuli, and conditions and groups compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.errors import ConfigError
from mien.files import check_folder
from mien.wording import count

if TYPE_CHECKING:  # pandas, SciPy and Matplotlib, which the help should not wait for
    from mien.study.compare import CourseComparison, EpochComparison
    from mien.study.epochs import Epochs

app = group("Experiments: epochs around stimuli, and conditions and groups of people compared.")


@app.command()
def epochs(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE|FOLDER",
            help="A table of `mien analyze` (.csv, .tsv, .parquet), or a folder of such.",
        ),
    ],
    stimuli: Annotated[
        Path,
        typer.Option(
            help="A table with recording, onset_s and name; also duration_s, condition, person, group.",
            metavar="FILE",
        ),
    ],
    measure: Annotated[str, typer.Option(help="The column of the table.", metavar="COLUMN")] = "valence",
    before: Annotated[
        float, typer.Option(help="How long before the onset an epoch begins.", metavar="SECONDS")
    ] = 1.0,
    after: Annotated[float, typer.Option(help="How long after the onset it ends.", metavar="SECONDS")] = 5.0,
    baseline: Annotated[
        str,
        typer.Option(help="The mean from and to these seconds is subtracted; or none.", metavar="FROM:TO"),
    ] = "-1:0",
    step: Annotated[float, typer.Option(help="Of the grid of times.", metavar="SECONDS")] = 0.1,
    least_face: Annotated[
        float,
        typer.Option(
            help="Reject an epoch of which, or of whose baseline, a smaller share was read.", metavar="SHARE"
        ),
    ] = 0.75,
    alone: Annotated[
        bool, typer.Option("--alone", help="Reject epochs in which another stimulus begins or lasts.")
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-study"),
    as_json: JsonOption = False,
) -> None:
    """Cut a measure around each stimulus, on an even grid, against the time before it.

    Writes the epochs in long form, the stimuli with what was rejected and why, the mean course of each
    condition and group, and a figure of these.

    Example: mien study epochs results --stimuli stimuli.csv --baseline -1:0 --out study
    """
    from mien.study.epochs import epochs as cut

    baseline_s = None if baseline == "none" else _span("--baseline", baseline)
    check_folder(out)
    made = cut(
        table, stimuli, measure=measure, before_s=before, after_s=after, baseline_s=baseline_s, step_s=step,
        least_face=least_face, alone=alone,
    )  # fmt: skip
    files = made.save(out)
    if as_json:
        print_json(made.as_dict() | {"files": [str(each) for each in files]})
        return
    _say_epochs(made)
    typer.echo(f"{out}: {', '.join(each.name for each in files)}")
    typer.echo(f"Next: mien study compare {out}")


@app.command()
def compare(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where mien study epochs wrote to.")],
    window: Annotated[
        str | None,
        typer.Option(help="The seconds of the epochs that are compared [0 to the end].", metavar="FROM:TO"),
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="Only this condition; may be repeated.", metavar="NAME")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="The condition that others are compared with [neutral or control, else the first by name].",
            metavar="NAME",
        ),
    ] = None,
    reference_group: Annotated[
        str | None, typer.Option(help="The group that others are compared with, as well.", metavar="NAME")
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(help="How often signs or groups are exchanged.", metavar="N", min=100, max=100_000),
    ] = 5000,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="N", min=0)] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [that of the epochs].", metavar="FOLDER"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare conditions, and groups of people, by a mixed model and by clusters in time.

    The mixed model tells how far each epoch's mean over the window differs, with people as random effects.
    The clusters tell whether courses differ anywhere in the window, by one test for all times.

    Example: mien study compare study --window 0.5:3 --reference neutral
    """
    from mien.study.compare import compare_epochs

    window_s = None if window is None else _span("--window", window)
    if out is not None:
        check_folder(out)
    found = compare_epochs(
        folder, window_s=window_s, conditions=condition or (), reference=reference,
        reference_group=reference_group, rounds=rounds, seed=seed,
    )  # fmt: skip
    files = found.save(out or folder)
    if as_json:
        print_json(found.as_dict() | {"files": [str(each) for each in files]})
        return
    _say_comparison(found)
    typer.echo(f"{out or folder}: {', '.join(each.name for each in files)}")


@app.command()
def marks(
    subjects: Annotated[
        list[str] | None,
        typer.Option("--subject", help="Only this subject; may be repeated [all].", metavar="CODE"),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the two files. Earlier ones are replaced.")
    ] = Path("mien-marks"),
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the marks that were set while recording as a table of stimuli, and the readings beside it.

    Marks come from m and 1 to 9 in the terminal, Mark on the live page, programs that ask it, and streams of
    markers. Add a column condition, and group, and go on with mien study epochs.

    Example: mien study marks --subject P-017 --out marks
    """
    from mien.study.marks import recorded_marks

    check_folder(out)
    found = recorded_marks(where, subjects or ())
    files = found.save(out)
    about: dict[str, Any] = {
        "marks": len(found.marks),
        "recordings": int(found.marks["recording"].nunique()),
        "sources": found.marks["source"].value_counts().to_dict(),
        "files": [str(each) for each in files],
    }
    if as_json:
        print_json(about)
        return
    many = count(about["recordings"], "recording")
    typer.echo(f"{count(about['marks'], 'mark')} in {many}: {', '.join(about['files'])}")
    typer.echo(f"Next: mien study epochs {files[1]} --stimuli {files[0]} --out study")


def _span(option: str, text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise ConfigError(f"{option}: expected FROM:TO in seconds, such as -1:0, received {text!r}") from None


def _say_epochs(made: Epochs) -> None:
    about = made.as_dict()
    typer.echo(
        f"{made.measure}: {made.kept} of {count(about['stimuli'], 'epoch')} kept, of"
        f" {count(about['people'], 'person', 'people')}"
    )
    for each in about["conditions"]:
        name = f"{each['group']}, {each['condition']}" if each["group"] else each["condition"]
        people = count(each["people"], "person", "people")
        typer.echo(f"  {name[:32]:32} {each['kept']:5} of {each['stimuli']:5}, {people}")
    for note in made.notes:
        typer.echo(f"note: {note}")


def _say_comparison(found: EpochComparison) -> None:
    from mien.study.figures import p_words

    low, high = found.window_s
    typer.echo(
        f"{found.epochs.measure} from {low:g} to {high:g} s, {count(found.people, 'person', 'people')},"
        f" {count(found.epochs.kept, 'epoch')}"
    )
    if found.model.random is not None:
        typer.echo(f"\nmixed model, people's {found.model.random} as random effects")
    for effect in found.model.effects:
        typer.echo(
            f"  {effect.name:46} {effect.estimate:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}]"
            f"  t({effect.df}) = {effect.t:.2f}, {p_words(effect.p)}"
        )
    for term in found.model.terms:
        if term.df1 > 1:
            typer.echo(
                f"  {f'{term.name}, together':46} F({term.df1}, {term.df2}) = {term.f:.2f}, {p_words(term.p)}"
            )
    if found.courses:
        typer.echo("\nover time, by clusters")
    for each in found.courses:
        typer.echo(f"  {each.name}: {_clusters(each)}")
    if found.notes:
        typer.echo("")
    for note in found.notes:
        typer.echo(f"note: {note}")


def _clusters(each: CourseComparison) -> str:
    from mien.study.figures import p_words

    if not each.test.clusters:
        return "no cluster"
    return "; ".join(
        f"{'above' if cluster.mass > 0 else 'below'} {_when(start, end)}, {p_words(cluster.p)}"
        for cluster, (start, end) in zip(each.test.clusters, each.spans_s(), strict=True)
    )


def _when(start_s: float, end_s: float) -> str:
    return f"at {start_s:g} s" if start_s == end_s else f"from {start_s:g} to {end_s:g} s"
