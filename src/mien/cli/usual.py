"""`mien usual` and `mien changes`: what is usual for a person, and what has changed since."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption, NetworkOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.store.types import FALSE_ALARM_DAYS
from mien.wording import count

if TYPE_CHECKING:
    from mien.mood.baseline import Baseline, NotReady
    from mien.mood.congruence import Congruence
    from mien.mood.estimate import Estimate
    from mien.record.changes import LookBack
    from mien.subject_record import SubjectRecord

_SHOWN = ("expressivity", "valence_mean", "arousal_mean", "smiles_per_min", "inertia")
_HOW = {"taken": "taken", "kept": "taken", "preview": "not yet taken; use --take"}


def usual(
    code: CodeArgument,
    take: Annotated[
        bool, typer.Option("--take", help="Take these days as the baseline from now on.")
    ] = False,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.", metavar="DATE")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.", metavar="DATE")
    ] = None,
    neutral: Annotated[
        Path | None,
        typer.Option(
            help="Keep this photograph's face as the person's neutral one (numbers, not the picture):"
            " `mien analyze --subject` reads by it from now on.",
            metavar="PHOTO",
        ),
    ] = None,
    network: NetworkOption = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is usual for a person, or choose the days that count as usual.

    A baseline stays as it is until someone takes a new one; if it followed the days by itself, it would hide
    slow changes. Without --take, and while there is no baseline, the command shows what these days would
    give. With --neutral, the person's own neutral face is stored first; they must have consented to be
    recorded.

    Example: mien usual P-017 --take --from 2026-05-01 --to 2026-06-11
    """
    from mien.mood.baseline import NotReady
    from mien.subject_record import subject

    first, last = start and start.date(), end and end.date()
    with subject(code, where) as record:
        if neutral is not None:
            record.keep_neutral(neutral, network=network)
            own = f"{record.subject.code}'s own neutral face"
            typer.echo(f"stored: the face in {neutral} is now {own}", err=as_json)
            if not (take or first or last or as_json):
                return
        found, how = _usual(record, first, last, take)
    if as_json:
        print_json(_as_json(found, how))
    elif isinstance(found, NotReady):
        typer.echo(found.reason)
    else:
        _say(found, _HOW[how])


def _usual(
    record: SubjectRecord, first: date | None, last: date | None, take: bool
) -> tuple[Baseline | NotReady, str]:
    """Return what is usual, and which of `_HOW` it is."""
    if take:
        return record.take_usual(first, last), "taken"
    kept = record.usual()
    if kept is not None and not (first or last):
        return kept, "kept"
    return record.preview_usual(first, last), "preview"


def _as_json(found: Baseline | NotReady, how: str) -> dict[str, object]:
    from mien.mood.baseline import NotReady

    if isinstance(found, NotReady):
        return {"how": how, "not_ready": found.reason}
    return {
        "how": how, "start": found.start, "end": found.end, "days": found.days, "minutes": found.minutes,
        "measures": {
            name: {"days": each.days, "median": each.median, "sd": each.sd}
            for name, each in found.measures.items()
        },
        "missing_for_alarms": found.missing_for_alarms,
    }  # fmt: skip


def _say(found: Baseline, how: str) -> None:
    from mien.mood.definitions import MEASURES

    typer.echo(f"{_day(found.start)} to {_day(found.end)}: {count(found.days, 'usable day')}, "
               f"{count(round(found.minutes), 'usable minute')} ({how})")  # fmt: skip
    for name in _SHOWN:
        if name in found.measures:
            own = found.measures[name]
            typer.echo(f"  {MEASURES[name].title:15} {own.median:7.3f}, spread {own.sd:.3f}")
    if found.missing_for_alarms:
        typer.echo(found.missing_for_alarms)


def _day(day: date) -> str:
    return day.isoformat()


def changes(
    code: CodeArgument,
    false_alarm_days: Annotated[
        int | None,
        typer.Option(
            help="Choose for this store: average days between false alarms; 0 reports no changes.",
            metavar="DAYS", min=0,
        ),
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(help="Look back over one measure with two other methods, without"
        " alarms.", metavar="MEASURE"),
    ] = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what has changed compared with what is usual for a person.

    Anything that makes days hard to compare, such as poor light or low coverage, comes first. Changes are
    reported only once someone has taken a baseline (`mien usual CODE --take`) and chosen how often a false
    alarm is acceptable.

    Example: mien changes P-017 --false-alarm-days 365
    """
    from mien.mood.change.findings import verdict
    from mien.record.changes import choose_false_alarms
    from mien.subject_record import subject

    with subject(code, where) as record:
        if false_alarm_days is not None:
            choose_false_alarms(record.store, false_alarm_days or None)
            typer.echo(_chosen(false_alarm_days), err=as_json)
        if points is not None:
            back = record.look_back(points)
            print_json(back) if as_json else _tell_points(back, points)
            return
        found, chosen = record.changes(), record.store.texts.setting(FALSE_ALARM_DAYS)
    if as_json:
        print_json(found)
        return
    for each in found:
        typer.echo(each.text + (f" {each.advice}" if each.advice else ""))
    if said := verdict(found, chosen):
        typer.echo(said)


def _chosen(days: int) -> str:
    """Confirm a choice that is made for everybody in the record."""
    told = f"a false alarm is accepted about once in {days} days" if days else "no changes are reported"
    return f"chosen for all subjects in the record: {told}"


def _tell_points(found: LookBack, measure: str) -> None:
    from mien.mood.definitions import MEASURES

    title = MEASURES[measure].title.lower()
    for point in found.points:
        typer.echo(
            f"{_day(point.date)}: {title} from {point.before:+z.1f} to {point.after:+z.1f} SD of own days"
        )
    if not found.points:
        typer.echo(f"looking back, {title} has no change point after the baseline")
    if found.changed is not None:
        since = f", since {_day(found.since)}" if found.since else ""
        typer.echo(f"day by day: a different level with a probability of {found.changed:.0%}{since}")


def congruence(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show whether expression matched prompts and self-reports.

    It compares expression with prompts within recordings, and with self-reports across days.

    A prompt is a note of kind `prompt` in a recording; see `mien note add --help`.

    Example: mien congruence P-017
    """
    from mien.subject_record import subject

    with subject(code, where) as record:
        found = record.congruence()
    if as_json:
        prompts = {day.isoformat(): dict(each) for day, each in found.prompts.items()}
        print_json({"prompts": prompts, "self_reports": dict(found.self_reports)})
        return
    for day, targets in found.prompts.items():
        for target, followed in targets.items():
            typer.echo(f"{_day(day)}  {target:10} {_followed(followed)}")
    for scale, estimate in found.self_reports.items():
        typer.echo(f"valence and {scale}: {_correlated(estimate)}")
    if not found.prompts and not found.self_reports:
        typer.echo("there are no prompts in recordings and no self-reports on recorded days")


def _followed(found: Congruence | None) -> str:
    if found is None:
        return "not enough data"
    when = f"{found.lag_s:.2f} s later, p {found.p:.3f}"
    return f"correlation {found.correlation:+z.2f}, {when}, {count(found.prompts, 'prompt')}"


def _correlated(found: Estimate | None) -> str:
    if found is None:
        return "too few answers with recordings from the days they refer to"
    ends = "" if found.low is None or found.high is None else f" ({found.low:+z.2f} to {found.high:+z.2f})"
    return f"rank correlation {found.value:+z.2f}{ends}, {count(found.n, 'answer')}"
