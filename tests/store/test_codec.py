from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import StoreError
from mien.labels import EMOTIONS, MEASURES
from mien.store import codec
from mien.table import DECIMALS
from store_series import readings, same


def test_what_comes_out_is_what_went_in_rounded_as_the_table_is() -> None:
    columns = readings(500)
    out = codec.from_counts(codec.to_counts(columns))
    for name, decimals in DECIMALS.items():
        if name in columns:
            expected = [round(value, decimals) for value in columns[name].tolist()]
            np.testing.assert_array_equal(out[name], expected)
    for place, label in enumerate(EMOTIONS):
        expected = [
            round(value, DECIMALS[f"p_{label}"]) for value in columns["probabilities"][:, place].tolist()
        ]
        np.testing.assert_array_equal(out["probabilities"][:, place], expected)
    for place, name in enumerate(MEASURES):
        expected = [round(value, DECIMALS[name]) for value in columns["measures"][:, place].tolist()]
        np.testing.assert_array_equal(out["measures"][:, place], expected)
    np.testing.assert_array_equal(out["expression"], columns["expression"])
    np.testing.assert_array_equal(out["frame"], columns["frame"])


@given(st.floats(-2000, 2000, allow_nan=False), st.sampled_from(["x", "valence", "confidence", "light"]))
def test_rounding_twice_changes_nothing(value: float, name: str) -> None:
    once = codec.from_counts(codec.to_counts({"time_s": np.zeros(1), name: np.array([value])}))
    twice = codec.from_counts(codec.to_counts(once))
    assert same(once, twice)


@pytest.mark.parametrize("count", [1, 10, 3000])
def test_chunks_and_segments_give_back_every_bit(count: int) -> None:
    counts = codec.to_counts(readings(count, seed=count))
    np.testing.assert_array_equal(codec.read_chunk(codec.write_chunk(counts)), counts)
    np.testing.assert_array_equal(codec.read_segment(codec.write_segment(counts)), counts)


def test_anybody_can_read_a_segment() -> None:
    counts = codec.to_counts(readings(100))
    table = pq.read_table(BytesIO(codec.write_segment(counts)))
    assert tuple(table.column_names) == codec.COLUMNS
    told = codec.from_counts(counts)
    seen = [place for place, value in enumerate(table.column("p_happiness").to_pylist()) if value is not None]
    assert len(seen) == 80
    for place in seen:
        value = table.column("p_happiness")[place].as_py()
        assert value == Decimal(str(told["probabilities"][place, 1])).quantize(Decimal("0.00001"))
    assert table.column("frame").to_pylist() == list(range(100))


def test_only_some_columns() -> None:
    counts = codec.to_counts(readings(100))
    some = codec.read_segment(codec.write_segment(counts), columns=("time_s", "expression"))
    places = [codec.COLUMNS.index("time_s"), codec.COLUMNS.index("expression")]
    np.testing.assert_array_equal(some[:, places], counts[:, places])
    assert (np.delete(some, places, axis=1) == codec.MISSING).all()


def test_what_is_left_out_is_not_there() -> None:
    out = codec.from_counts(codec.to_counts({"time_s": np.arange(3)}))
    assert out["expression"].tolist() == out["frame"].tolist() == [-1] * 3
    assert np.isnan(out["probabilities"]).all()
    assert np.isnan(out["light"]).all()


def test_a_long_series_is_cut_into_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "SEGMENT_ROWS", 40)
    counts = codec.to_counts(readings(100))
    cut = list(codec.segments(counts))
    assert [len(piece) for piece in cut] == [40, 40, 20]
    np.testing.assert_array_equal(np.concatenate(cut), counts)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"valence": [0.0]}, "expected time_s"),
        ({"time_s": [0.0], "mood": [1.0]}, "received time_s, mood"),
        ({"time_s": [0.0, 1.0], "valence": [0.0]}, "expected valence of shape"),
        ({"time_s": [0.0], "probabilities": np.zeros((1, 7))}, "expected probabilities of shape"),
        ({"time_s": [0.0, 0.0]}, "times that rise"),
        ({"time_s": [1.0, 0.5]}, "times that rise"),
        ({"time_s": [0.0, 1e-7]}, "times that rise"),
        ({"time_s": [np.nan]}, "times that rise"),
        ({"time_s": [0.0], "x": [np.inf]}, "too large"),
        ({"time_s": [0.0], "x": [1e8]}, "too large"),
    ],
)
def test_what_is_no_series_is_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        codec.to_counts({name: np.asarray(values) for name, values in columns.items()})


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: b"", lambda data: b"\x00" * 100])
def test_damage_is_said(damage) -> None:  # type: ignore[no-untyped-def]
    counts = codec.to_counts(readings(50))
    with pytest.raises(StoreError, match="damaged"):
        codec.read_segment(damage(codec.write_segment(counts)))
    with pytest.raises(StoreError, match="damaged"):
        codec.read_chunk(damage(codec.write_chunk(counts)))


def test_no_flipped_byte_passes_for_a_reading() -> None:
    counts = codec.to_counts(readings(50))
    whole = codec.write_segment(counts)
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 100).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        try:
            read = codec.read_segment(bytes(flipped))
        except StoreError:
            continue
        np.testing.assert_array_equal(read, counts)


def test_another_version_with_other_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure was dropped, another one is new: the rest is read by its name."""
    columns = readings(50)
    counts = codec.to_counts(columns)
    chunk, segment = codec.write_chunk(counts), codec.write_segment(counts)
    renamed = tuple("dimple" if name == MEASURES[3] else name for name in codec.COLUMNS)
    monkeypatch.setattr(codec, "COLUMNS", renamed)
    place = renamed.index("dimple")
    for read in (codec.read_chunk(chunk), codec.read_segment(segment, columns=renamed)):
        assert (read[:, place] == codec.MISSING).all()
        np.testing.assert_array_equal(np.delete(read, place, axis=1), np.delete(counts, place, axis=1))


def test_a_newer_format_is_left_alone() -> None:
    data = codec.write_segment(codec.to_counts(readings(5)))
    with pytest.raises(StoreError, match="received parquet-2; install a newer Mien"):
        codec.read_segment(data, "parquet-2")
