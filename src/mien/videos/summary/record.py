"""What is usual for a person by their record: the spread of weeks, not of one film."""

from __future__ import annotations

from pathlib import Path

from mien.analysis.summary import describe_models
from mien.config import Settings
from mien.errors import ConfigError
from mien.mood.baseline import Baseline, BaselineMeasure, NotReady, same_network
from mien.record.baseline import standing
from mien.store.store import Store
from mien.store.types import network_of
from mien.videos.summary.moments import LEAST_SD, Usual


def usual_in_record(code: str, store: str | Path | None, settings: Settings) -> Usual:
    """Return what is usual for a subject by the baseline that was taken in their record.

    The middle is the median day's mean. The spread is that of a moment over these days: the variance within
    the median day and between days, added.

    Args:
        code: of the subject.
        store: the record's path or URL; the user's own when None.
        settings: how the film is read; its network has to be the record's.

    Raises:
        ConfigError: there is no baseline yet, or another network read its days.
        ModelError: the network is missing.
        StoreError: there is no such subject, or the store can't be opened.
    """
    with Store(store, create=False) as opened:
        baseline = standing(opened, opened.subjects.get(code))
    if isinstance(baseline, NotReady):
        raise ConfigError(f"{code}: {baseline.reason}; or leave out --subject")
    network = network_of(describe_models(settings))
    if not same_network(network, baseline):
        raise ConfigError(
            f"{code}: the days of the baseline were read by {baseline.network or 'an earlier network'}, and"
            f" this would be by {network}; their numbers don't mean the same, leave out --subject"
        )
    valence, arousal = (_of_a_moment(baseline, code, name) for name in ("valence", "arousal"))
    days = f"{baseline.days} days, {baseline.start} to {baseline.end}"
    return Usual(*valence, *arousal, f"{code}'s record: {days}", baseline.days)


def _of_a_moment(baseline: Baseline, code: str, name: str) -> tuple[float, float]:
    mean, within = (_measure(baseline, code, f"{name}_{each}") for each in ("mean", "sd"))
    return mean.median, max(LEAST_SD, (within.median**2 + mean.sd**2) ** 0.5)


def _measure(baseline: Baseline, code: str, name: str) -> BaselineMeasure:
    if name not in baseline.measures:
        raise ConfigError(f"{code}: too few days of the baseline have {name}; leave out --subject")
    return baseline.measures[name]
