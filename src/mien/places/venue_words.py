"""A venue's figures in words, as commands, pages and reports say them."""

from __future__ import annotations

from typing import Final

from mien.places.effects import Comparison, Effect, MarkEffects
from mien.places.level_changes import LevelChange, Levels
from mien.places.quantification import Interval
from mien.report.formatting import day

TITLES: Final = {
    "smiling": "visits with a smile",
    "valence": "valence",
    "change": "valence from arrival to leaving",
    "length_s": "length of a visit",
    "visits_per_h": "visits an hour",
}
"""What each of `effects.MEASURES` is called."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MINUS: Final = "\N{MINUS SIGN}"


def shown(measure: str, value: float, *, difference: bool = False) -> str:
    """Write a figure: "36 %", "+0.14", "46 s", "44".

    Args:
        measure: one of `effects.MEASURES`.
        value: the figure.
        difference: it is a difference of two: percentage points, and always with a sign.
    """
    sign = "+" if difference or measure in ("valence", "change") else ""
    if measure == "smiling":
        text = f"{100 * value:{sign}z.0f} {'points' if difference else '%'}"
    elif measure == "length_s":
        text = f"{value:{sign}z.0f} s"
    else:
        text = f"{value:{sign}z.{0 if measure == 'visits_per_h' else 2}f}"
    return text.replace("-", _MINUS)


def with_interval(measure: str, figure: Interval, *, difference: bool = False) -> str:
    """Write a figure with its interval: "36 % (28 to 44 %)"."""
    value, low, high = (shown(measure, each, difference=difference) for each in figure)
    return f"{value} ({low.split(' ')[0]} to {high})"


def effect_words(effect: Effect) -> str:
    """Say how a measure differs before and after a mark, and whether chance may explain it."""
    chance = "more than chance explains" if effect.sure else "chance alone may explain it"
    return f"{_difference(effect)}; {chance}"


def mark_words(found: MarkEffects) -> str:
    """Say what is different since a mark by more than chance; else that nothing is, or what is missing."""
    name = f"\u201c{found.mark.text}\u201d"
    if found.missing:
        return f"{name}: {found.missing}"
    sure = "; ".join(_difference(each) for each in found.effects if each.sure)
    days = f"{found.days_before} days before, {found.days_after} after"
    return (
        f"{name}: more than chance explains ({days}): {sure}"
        if sure
        else f"{name}: nothing beyond chance ({days})"
    )


def _difference(effect: Effect) -> str:
    before, after = (shown(effect.measure, each) for each in (effect.before, effect.after))
    change = with_interval(effect.measure, effect.difference, difference=True)
    return f"{TITLES[effect.measure]} {before} before, {after} after, {change}"


def comparison_words(found: Comparison) -> str:
    """Say how a day compares with what is usual on this weekday at these hours."""
    low, high = (shown(found.measure, each) for each in found.usual[1:])
    verdict = ": unlike usual" if found.unusual else ""
    own = shown(found.measure, found.day)
    return f"{TITLES[found.measure]}: {own}, usually {low} to {high} at these hours{verdict}"


def level_words(levels: Levels) -> tuple[str, ...]:
    """Say what has left its usual level, or that nothing could be told from chance."""
    if levels.missing:
        return (levels.missing,)
    found = tuple(map(_level, levels.changes)) or (
        "no change of the level over the weeks could be told from chance",
    )
    return (*found, *(f"false alarms may be more frequent than one a year: {each}" for each in levels.doubts))


def _level(found: LevelChange) -> str:
    since, low, high = found.since
    begun = f"{day(since)}" if low == high else f"{day(since)} ({day(low)} to {day(high)})"
    usual = shown(found.measure, found.usual)
    change = with_interval(found.measure, found.difference, difference=True)
    when = f"since {begun}" if found.until is None else f"from {begun} until {day(found.until)}"
    return f"{TITLES[found.measure]}: {change} against the usual {usual}, {when}"


def agreement_words(agreement: Interval | None, days: int, least: int) -> str:
    """Say whether answers at the kiosk and valence go together.

    Args:
        agreement: rank correlation; None where there are too few days.
        days: with both.
        least: that are needed.
    """
    if agreement is None:
        return f"answers and valence can't be compared yet: {days} of {least} days with both"
    value, low, high = (f"{each:+z.2f}".replace("-", _MINUS) for each in agreement)
    verdict = (
        "days with better answers had a higher valence"
        if agreement.low > 0
        else "days with better answers had a lower valence"
        if agreement.high < 0
        else "answers and valence were not seen to go together"
    )
    return f"{verdict}: rank correlation {value} ({low} to {high}) over {days} days"
