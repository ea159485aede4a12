"""A picture of a daily series: its days, what is usual, what was told, and what is known to have happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.errors import ConfigError
from mien.record.daily_series import WatchedSeries

if TYPE_CHECKING:
    from mien.mood.change.charts import Alarm

PICTURES: Final = (".png", ".svg", ".pdf", ".webp")

_DAYS, _USUAL, _TOLD, _MARK = "#33506b", "#d5e3dc", "#c8553d", "#666666"


def draw_series(
    watched: WatchedSeries, path: Path, *, marks: Sequence[tuple[date, str]] = (), source: str = ""
) -> Path:
    """Draw a strip for each measure.

    Args:
        watched: from `daily_series.watch`.
        path: where to; its ending is one of `PICTURES`.
        marks: days on which something is known to have happened, with a few words.
        source: whose data it is, written below.

    Raises:
        ConfigError: another ending.
    """
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(f"{path}: expected a picture that ends in one of {', '.join(PICTURES)}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = list(watched.days.columns)
    figure = Figure(figsize=(9, 1.1 + 1.45 * len(names)), layout="constrained")
    strips = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for strip, name in zip(strips, names, strict=True):
        _strip(strip, watched, str(name))
        for day, _ in marks:
            strip.axvline(day, color=_MARK, linewidth=1, linestyle="--")
    for place, (day, words) in enumerate(sorted(marks)):
        strips[0].annotate(
            words,
            (day, 1.03 + 0.2 * (place % 2)),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=_MARK,
            parse_math=False,
        )
    strips[-1].xaxis.set_major_formatter(_months())
    strips[-1].set_xlabel(source, fontsize=7, loc="left", parse_math=False)
    with rc_context({"svg.fonttype": "none"}):  # so that its text is text
        figure.savefig(path, dpi=110)
    return path


def _strip(strip: Any, watched: WatchedSeries, name: str) -> None:
    values = watched.days[name].dropna()
    strip.plot(list(values.index), values.to_numpy(), ".", color=_DAYS, markersize=3)
    words = name.replace("_", " ")
    strip.set_ylabel(words, fontsize=8, rotation=0, ha="right", va="center", parse_math=False)
    strip.tick_params(labelsize=7)
    strip.spines[["top", "right"]].set_visible(False)
    own = getattr(watched.usual, "measures", {}).get(name)
    if own is not None:
        strip.axhspan(*own.range, color=_USUAL, zorder=0, linewidth=0)
        first, last = own.dates[0], own.dates[-1]
        strip.axvspan(first, last, color="#000000", alpha=0.06, linewidth=0)
    newest = values.index[-1] if len(values) else None
    for chart in watched.charts:
        if chart.measure == name:
            for alarm in chart.alarms:
                _told(strip, alarm, newest)


def _told(strip: Any, alarm: Alarm, last: Any) -> None:
    """Shade a change; below the interval of its first day, above the day on which it was told."""
    end = alarm.over or last + timedelta(1)
    strip.axvspan(alarm.since, end, color=_TOLD, alpha=0.22, linewidth=0, zorder=0)
    strip.plot(
        [alarm.since_low, alarm.since_high], [0.03, 0.03], color=_TOLD, linewidth=2.5,
        transform=strip.get_xaxis_transform(), solid_capstyle="butt",
    )  # fmt: skip
    strip.plot(
        [alarm.date], [0.97], marker="v", color=_TOLD, markersize=6, transform=strip.get_xaxis_transform(),
        linestyle="none",
    )  # fmt: skip


def _months() -> Any:
    from matplotlib.dates import DateFormatter

    return DateFormatter("%d %b %Y")  # type: ignore[no-untyped-call]
