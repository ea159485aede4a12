"""Whatever a store takes comes back from an export as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.exchange.exporting import export_record, gather
from mien.exchange.importing import import_record
from mien.exchange.signals import in_order
from mien.labels import EMOTIONS, MEASURES
from mien.signals.types import Figure
from mien.store.store import Store
from mien.store.types import SIGNALS, Event, SelfReport, Subject
from store_fixtures import FakeClock, add_agreed
from store_series import same

NUMBERS = count()

starts = st.sampled_from(list("=+-@\t\"',;\n\\")).map(lambda each: each + "cmd")
texts = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), starts
)
words = texts.filter(lambda text: any(each.isalnum() for each in text))
LATE = datetime(2200, 1, 1, tzinfo=UTC)
moments = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
shares = st.one_of(st.just(np.nan), st.floats(0, 1))
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, plain_json, max_size=3)


@st.composite
def readings(draw: Any) -> dict[str, Any]:
    """Some frames, of which any value may be missing."""
    rows = draw(st.integers(0, 6))
    steps = draw(st.lists(st.floats(0.001, 100), min_size=rows, max_size=rows))
    values = np.array(draw(st.lists(shares, min_size=40 * rows, max_size=40 * rows))).reshape(rows, 40)
    single = ("quality", "light", "sharpness", "face_px", "confidence", "valence", "arousal", "x", "y")
    return {
        "frame": np.arange(rows) * 3,
        "time_s": np.cumsum(steps) if rows else np.empty(0),
        "probabilities": values[:, :8],
        "measures": values[:, 8 : 8 + len(MEASURES)] * 90 - 45,
        "expression": np.array(
            draw(st.lists(st.integers(-1, len(EMOTIONS) - 1), min_size=rows, max_size=rows)), np.int64
        ),
        **{name: values[:, 30 + place] for place, name in enumerate(single)},
    }


measures = st.sampled_from(["heart_rate", "rmssd_ms", "skin_level", "eeg_alpha", "skin_temperature"])
figures = st.builds(
    lambda start, length, signal, measure, unit, value, quality: Figure(
        start, start + length, signal, measure, unit, value, quality
    ),
    st.floats(0, 1e5), st.floats(0.01, 3600), texts, measures, texts, st.none() | st.floats(-1e6, 1e6),
    st.floats(0, 1),
)  # fmt: skip

answers = st.one_of(
    st.tuples(st.just("other"), st.none(), st.floats(-1e9, 1e9), st.just((None, None))),
    st.tuples(st.just("ranged"), st.none(), st.floats(-9, 9), st.just((-9.0, 9.0))),
    st.tuples(
        st.just("phq9"),
        st.tuples(st.just(1), *[st.sampled_from([None, 0, 3])] * 7, st.none()),
        st.none(),
        st.just((None, None)),
    ),
)
"""Scale, items, total and limits of a self-report, of today's and of an earlier Mien."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store, Path]]:
    folder = tmp_path_factory.mktemp("round")
    with (
        Store(folder / "a.sqlite", now=FakeClock(LATE)) as one,
        Store(folder / "b.sqlite", now=FakeClock(LATE)) as two,
    ):
        yield one, two, folder / "record.zip"


@pytest.mark.exhaustive
@given(data=st.data())
@settings(max_examples=25)
def test_everything_comes_back(stores: tuple[Store, Store, Path], data: st.DataObject) -> None:
    one, two, path = stores
    subject = _fill(one, data.draw)
    export_record(one, subject.code, path, fhir="none")
    imported = import_record(two, path).subject
    assert gather(two, imported).record == gather(one, subject).record
    pairs = zip(one.recordings.of(subject), two.recordings.of(imported), strict=True)
    for mine, theirs in pairs:
        assert mine.started_at.utcoffset() == theirs.started_at.utcoffset()
        assert same(one.readings.load(mine.id), two.readings.load(theirs.id))
        assert one.readings.events(mine.id) == two.readings.events(theirs.id)
        assert in_order(one.signals.of(mine.id)) == in_order(two.signals.of(theirs.id))


def _fill(store: Store, draw: Any) -> Subject:
    subject = add_agreed(store, f"S-{next(NUMBERS)}", notes=draw(texts))
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    store.consents.give(subject, given_by="them", purpose="to test", signals=SIGNALS, given_at=long_ago)
    for _ in range(draw(st.integers(0, 2))):
        store.consents.give(subject, given_by=draw(words), purpose=draw(words), given_at=draw(moments))
    recordings = [_record(store, subject, draw) for _ in range(draw(st.integers(0, 2)))]
    for _ in range(draw(st.integers(0, 2))):
        store.annotations.add(
            subject, "note", draw(words), at=draw(moments), data=draw(objects),
            recording_id=draw(st.sampled_from([None, *recordings])),
        )  # fmt: skip
    for _ in range(draw(st.integers(0, 2))):
        scale, items, total, limits = draw(answers)
        kept = SelfReport(0, 0, draw(moments), scale, items, total, draw(texts), None, *limits)
        store.self_reports.restore(subject, kept)
    return subject


def _record(store: Store, subject: Subject, draw: Any) -> int:
    started = store.recordings.start(
        subject, kind="video", source=draw(texts), started_at=draw(moments), models=draw(objects),
        settings=draw(objects), version="0",
    )  # fmt: skip
    store.readings.append(started.id, draw(readings()))
    store.signals.add(started.id, draw(st.lists(figures, max_size=4)))
    times = sorted(draw(st.lists(st.floats(0, 1e6), min_size=3, max_size=3)))
    store.readings.add_events(started.id, [Event("blink", "", *times, draw(st.floats(0, 1)))])
    store.recordings.finish(started.id)
    return started.id


def test_a_moment_keeps_its_microseconds(stores: tuple[Store, Store, Path]) -> None:
    one, two, path = stores
    subject = add_agreed(one, "microseconds")
    at = datetime(2026, 5, 3, 14, 30, 0, 1, UTC)
    one.self_reports.add(subject, "mood", total=5, at=at)
    export_record(one, subject.code, path, fhir="none")
    (report,) = two.self_reports.of(import_record(two, path).subject)
    assert report.at == at
