"""`mien simulate`: a made-up person's or venue's weeks, a body's signals, a cohort, a study, clips."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.commands import AddsByDefault, group
from mien.cli.console import progress_bar
from mien.cli.options import StoreOption
from mien.cli.subject import CodeArgument
from mien.errors import ConfigError, OutputError
from mien.store.store import Store


class _PersonByDefault(AddsByDefault):
    """`mien simulate SIM-1` is `mien simulate person SIM-1`."""

    default = "person"


app = group(
    "Simulate a person or a venue in the store; a body's signals, a cohort, a study or clips in files.",
    _PersonByDefault,
)


@app.command()
def person(
    code: CodeArgument,
    weeks: Annotated[
        int, typer.Option(help="How many weeks, up to yesterday.", metavar="N", min=1, max=520)
    ] = 12,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives another person.", metavar="N")
    ] = 0,
    minutes: Annotated[
        float, typer.Option(help="Length of each day's recording.", metavar="MINUTES", min=1, max=60)
    ] = 10.0,
    flat_week: Annotated[
        int | None,
        typer.Option(help="Make the face flatter from this week on, for three weeks.", metavar="N", min=1),
    ] = None,
    flat_size: Annotated[
        float,
        typer.Option(
            help="How much flatter, in standard deviations of the person's own days.", metavar="SD", min=0
        ),
    ] = 3.0,
    dark_week: Annotated[
        int | None, typer.Option(help="Make the light poor in this week.", metavar="N", min=1)
    ] = None,
    missing: Annotated[
        float,
        typer.Option(help="Share of days without a recording, 0 to 1.", min=0, max=0.9, metavar="SHARE"),
    ] = 0.1,
    where: StoreOption = None,
) -> None:
    """Simulate a person, and put their record into the store.

    Recordings, self-reports and notes are drawn at random from a model of a person, who wears a chest strap
    and a wristband, and all are marked as simulated. The first six weeks become the baseline, so any change
    should come after them. `mien erase CODE` deletes it again.

    Example: mien simulate SIM-1 --flat-week 9 --dark-week 8
    """
    from mien.mood.simulated import simulate as draw
    from mien.record.simulated import write_simulated

    for option, week in (("--flat-week", flat_week), ("--dark-week", dark_week)):
        if week is not None and week > weeks:
            raise ConfigError(f"{option}: expected one of {weeks} weeks, received {week}")
    start = date.today() - timedelta(weeks=weeks)
    here = datetime.now().astimezone().tzinfo or UTC
    made = draw(
        weeks, seed, start=start, zone=here, minutes=minutes, missing=missing,
        flat_from=None if flat_week is None else 7 * (flat_week - 1), flat_days=21, flat_size=flat_size,
        light_change=None if dark_week is None else 7 * (dark_week - 1), light_days=7,
    )  # fmt: skip
    with Store(where) as store, progress_bar("writing", 1) as progress:
        write_simulated(store, code, made, progress=progress)
        place = store.where
    typer.echo(f"{code}: {len(made.recordings)} simulated recordings of {weeks} weeks, in {place}")
    typer.echo(
        f"Next: mien changes {code} --false-alarm-days 365, mien report {code}, or mien live and Subjects"
    )


@app.command()
def venue(
    name: Annotated[str, typer.Argument(metavar="VENUE", help="A name for it.")] = "restaurant",
    weeks: Annotated[
        int, typer.Option(help="How many weeks, up to last Sunday.", metavar="N", min=1, max=104)
    ] = 8,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives other weeks.", metavar="N", min=0)
    ] = 0,
    where: StoreOption = None,
) -> None:
    """Simulate a restaurant's weeks of visits and answers, with changes whose effects are known.

    From the fourth week on, a new menu makes guests smile more; from the sixth week on the music is off,
    and they stay less long. Its only station is simulated too, and can't be run. `mien venue remove` deletes
    it again.

    Example: mien simulate venue restaurant
    """
    from mien.places.simulated_venue import write_simulated_venue

    with Store(where) as store:
        made = write_simulated_venue(store, name, weeks=weeks, seed=seed)
        place = store.where
    visits = sum(each.visits for each in made.cells)
    typer.echo(f"{name}: {visits:,} simulated visits from {made.first} to {made.last}, in {place}")
    typer.echo(f"Next: mien venue report {name}, or mien live and Venue")


@app.command()
def body(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.", metavar="FILE.edf")] = Path(
        "body.edf"
    ),
    minutes: Annotated[
        float, typer.Option(help="Its length, at least 2.", metavar="MINUTES", min=2, max=120)
    ] = 12.0,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives another body.", metavar="N", min=0)
    ] = 0,
) -> None:
    """Simulate a body's ECG, skin conductance and breath, and write them as EDF.

    The first half is rest, the second work. What is true of both stands in a JSON file of the same name.

    Example: mien simulate body --out body.edf
    """
    from mien.signals.made import write_body

    _check_simulated(out.with_suffix(".json"), "stretches", out)
    truth = write_body(out, minutes=minutes, seed=seed)
    rest, work = (each["heart_rate"] for each in truth["stretches"])
    half_s = truth["stretches"][0]["end_s"]
    typer.echo(f"{out}: {minutes:g} min; the heart beats {rest:g} times a minute at rest, then {work:g}")
    typer.echo(f"Next: mien signals {out} --rest 0-{half_s}")


@app.command()
def cohort(
    table: Annotated[Path, typer.Argument(metavar="TABLE.csv", help="The file to write.")] = Path(
        "cohort.csv"
    ),
    people: Annotated[int, typer.Option(help="How many people.", metavar="N", min=4, max=100_000)] = 200,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives other people.", metavar="N", min=0)
    ] = 0,
    strength: Annotated[
        float, typer.Option(help="How strong the planted differences are; 0 plants none.", min=0, max=5)
    ] = 1.0,
    site_effect: Annotated[
        float,
        typer.Option(help="How far the site tells the label, and moves every measure.", min=0, max=1),
    ] = 0.0,
) -> None:
    """Simulate a cohort: people with and without remission, and the measures of their recordings.

    What is planted, and the best area under the curve that can be had, stand in a JSON file of the same name.

    Example: mien simulate cohort cohort.csv --site-effect 0.6
    """
    from mien.files import write_text
    from mien.videos.cohort.made import make_cohort, truth_text

    truth = table.with_suffix(".json")
    _check_simulated(truth, "best_area", table)
    made = make_cohort(people, seed=seed, strength=strength, site_effect=site_effect)
    write_text(table, made.table.to_csv(index=False, lineterminator="\n"))
    write_text(truth, truth_text(made))
    typer.echo(
        f"{table}: {people:,} people, {len(made.table):,} recordings; the best area under the curve that can"
        f" be had is {made.truth['best_area']:.2f}"
    )
    typer.echo(f"Next: mien cohort {table} --label remission")


@app.command()
def study(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go.")] = Path(
        "made-study"
    ),
    people: Annotated[int, typer.Option(help="How many people.", metavar="N", min=2, max=10_000)] = 40,
    trials: Annotated[
        int, typer.Option(help="How often each person sees each condition.", metavar="N", min=1, max=1000)
    ] = 10,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives other people.", metavar="N", min=0)
    ] = 0,
    strength: Annotated[
        float, typer.Option(help="How strong the planted effects are; 0 plants none.", min=0, max=3)
    ] = 1.0,
) -> None:
    """Simulate an experiment: people of two groups who see pleasant, unpleasant and neutral stimuli.

    Writes readings.csv as mien analyze would, stimuli.csv, and in truth.json what is planted.

    Example: mien simulate study made-study --people 40
    """
    from mien.study.made import make_study

    files = (folder / name for name in ("readings.csv", "stimuli.csv"))
    _check_simulated(folder / "truth.json", "effects_on_mean_valence", *files)
    made = make_study(people, trials=trials, seed=seed, strength=strength)
    made.save(folder)
    typer.echo(
        f"{folder}: {people} simulated people, {len(made.stimuli):,} stimuli, {len(made.table):,} readings"
    )
    typer.echo(
        f"Next: mien study epochs {folder / 'readings.csv'} --stimuli {folder / 'stimuli.csv'} --out study"
    )


@app.command()
def clips(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they go; new or empty.")],
    people: Annotated[
        Path | None,
        typer.Option(
            help="A folder with people.csv, and neutral/ID.jpg and smiling/ID.jpg of each.", metavar="FOLDER"
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(help="FER-2013 as Parquet, to string clips from its faces.", metavar="FILE.parquet"),
    ] = None,
    count: Annotated[int, typer.Option(help="How many clips.", metavar="N", min=1, max=100_000)] = 100,
    seconds: Annotated[
        str, typer.Option(help="Their length, or the shortest and the longest.", metavar="LOW-HIGH")
    ] = "2-4",
    size: Annotated[int, typer.Option(help="Side of the square picture.", metavar="PIXELS")] = 320,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second; 25, with --micro 200.", metavar="RATE")
    ] = None,
    without: Annotated[
        float, typer.Option(help="Share of clips in which nothing happens.", metavar="SHARE", min=0, max=1)
    ] = 0.5,
    events: Annotated[
        int, typer.Option(help="Expressions in each other clip.", metavar="N", min=1, max=100)
    ] = 1,
    short: Annotated[
        bool, typer.Option("--short", help="An expression takes at most 3 seconds, however long the clip.")
    ] = False,
    micro: Annotated[
        bool, typer.Option("--micro", help="Micro-expressions of 40 to 200 ms, on a steady head.")
    ] = False,
    still: Annotated[
        bool, typer.Option("--still", help="No turned heads, poor light or covered mouths.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Random seed; another seed gives other clips.", metavar="N", min=0)
    ] = 0,
) -> None:
    """Make clips of faces whose truth is known: what is shown, from when to when, how strongly.

    People's neutral and smiling photographs are morphed into moving faces; or faces of a data set are strung
    together. CLIPS.csv says what is true of each clip, and events.csv of each expression; mien train reads
    them. Half of the clips show no expression. Nobody is on both sides of a split.

    Example: mien simulate clips made --people people/london --count 200
    """
    from time import monotonic

    from mien.videos.made.plan import Wishes
    from mien.videos.made.write import write_clips

    rate = fps if fps is not None else 200.0 if micro else 25.0
    wishes = Wishes(
        seconds=_seconds(seconds), size_px=size, frames_per_second=rate,
        without=without, events=events, short=short, micro=micro, still=still, seed=seed,
    )  # fmt: skip
    start_s = monotonic()
    with progress_bar("clips", count) as progress:
        rows = write_clips(folder, count, wishes, people=people, faces=faces, progress=progress)
    took_s = monotonic() - start_s
    shown = sum(row["label"] != "neutral" for row in rows)
    typer.echo(f"{folder}: {len(rows)} clips, {shown} with an expression, in {took_s:.0f} s")
    typer.echo(f"What is true of them: {folder / 'CLIPS.csv'} and {folder / 'events.csv'}")


def _seconds(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        return float(low), float(high or low)
    except ValueError:
        raise ConfigError(f"--seconds: expected a length such as 3, or 2-4, received {text!r}") from None


def _check_simulated(truth: Path, key: str, *files: Path) -> None:
    """Raise where anything but an earlier simulation, which holds its truth, is in the place of the files."""
    there = [each for each in (*files, truth) if each.is_file()]
    try:
        simulated = key in json.loads(truth.read_bytes())
    except (OSError, ValueError, TypeError):
        simulated = False
    if there and not simulated:
        raise OutputError(f"{there[0]} is there already, and was not simulated: choose another name")
