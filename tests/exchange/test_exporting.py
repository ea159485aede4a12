from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

import mien
from mien.errors import OutputError, StoreError
from mien.exchange.exporting import export_record
from mien.exchange.signals import COLUMNS, encoded
from mien.labels import EMOTIONS, MEASURES
from mien.record.baseline import taken
from mien.record.days import days
from mien.signals.figures import to_frame
from mien.signals.files import read_signals
from mien.signals.types import Mark
from mien.store.store import Store
from record.people import NOW, ODD, START, body, contents, fill, record, utc
from store_fixtures import FakeClock, add_agreed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def filled(folder: Path) -> Iterator[Store]:
    """A store with a full subject, that the tests only read; other tests have both databases."""
    with Store(folder / "record.sqlite", who="tester", now=FakeClock(NOW)) as store:
        fill(store)
        yield store


@pytest.fixture(scope="module")
def zipped(filled: Store, folder: Path) -> Path:
    return export_record(filled, "P-017", folder / "out" / "P-017.zip").path


SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def test_the_manifest_knows_every_file(zipped: Path) -> None:
    files = contents(zipped)
    manifest = json.loads(files.pop("manifest.json"))
    assert (manifest["format"], manifest["format_version"]) == ("mien-record", 3)
    assert manifest["mien_version"] == mien.__version__
    assert manifest["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    assert {"README.txt", "record.json", "days.csv", "fhir-r5.json"} < set(files)
    assert sorted(Path(name).name for name in files if name.startswith("recordings/")) == sorted(
        ["events.json", "readings.csv", "readings.parquet"] * 3
        + ["signals.csv", "signals.edf", "signals.parquet"]
    )
    assert all(name in files["README.txt"].decode() for name in ("record.json", "days.csv", "readings.csv"))


def test_only_its_owner_may_read_it(zipped: Path) -> None:
    assert stat.S_IMODE(zipped.stat().st_mode) == 0o600
    with zipfile.ZipFile(zipped) as opened:
        assert {info.external_attr >> 16 for info in opened.infolist()} == {0o600}


def test_the_same_record_gives_the_same_bytes(filled: Store, zipped: Path, tmp_path: Path) -> None:
    again = export_record(filled, "P-017", tmp_path / "again.zip").path
    assert again.read_bytes() == zipped.read_bytes()


def test_record_json(zipped: Path) -> None:
    record = json.loads(contents(zipped)["record.json"])
    assert record["subject"]["code"] == "P-017"
    assert record["subject"]["notes"] == ODD
    assert "number" not in record["subject"]
    withdrawn, holds = record["consents"]
    assert withdrawn["signals"] == ["expression"]
    assert holds["withdrawn_at"] is None
    assert [each["state"] for each in record["recordings"]] == ["finished", "finished", "interrupted"]
    assert record["recordings"][0]["started_at"] == "2026-05-03T14:30:00.123456+05:45"
    assert record["annotations"][0]["at"] == utc(START).replace("-03T", "-01T")
    assert record["annotations"][1]["recording"] == record["recordings"][0]["uuid"]
    assert record["annotations"][1]["data"] == {"valence": 0.8, "expression": "happiness"}
    assert [each["items"] for each in record["self_reports"]] == [
        [0, 1, 2, 3, 0, 1, 2, 3, 1],
        None,
        None,
        None,
    ]
    assert record["baselines"][0]["value"]["days"] == 9


def test_the_json_files_are_as_their_schemas_say(zipped: Path) -> None:
    files = contents(zipped)
    events = next(name for name in files if name.endswith("events.json"))
    for name, schema in (("record.json", "record"), ("manifest.json", "manifest"), (events, "events")):
        described = json.loads(files[f"schema/{schema}.schema.json"])
        assert described["$schema"].startswith("https://json-schema.org/")
        _check(json.loads(files[name]), described, described)


def _check(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """As much of JSON Schema as says which names there are, and that each is described."""
    if "$ref" in schema:
        _check(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) == set(schema["properties"])
        assert schema["additionalProperties"] is False
        for name, each in value.items():
            assert schema["properties"][name]["description"]
            _check(each, schema["properties"][name], root)
    elif isinstance(value, list) and "items" in schema:
        for each in value:
            _check(each, schema["items"], root)


def test_csv_and_parquet_hold_what_the_store_holds(filled: Store, zipped: Path) -> None:
    files = contents(zipped)
    for recording in filled.recordings.of(filled.subjects.get("P-017")):
        folder = f"recordings/{recording.day}_{recording.uuid}"
        table = pd.read_csv(BytesIO(files[f"{folder}/readings.csv"]))
        typed = {name: "float64" for name in table.columns if name not in ("frame", "expression")}
        table = table.astype(typed | {"frame": "int64", "expression": object})
        parquet = pd.read_parquet(BytesIO(files[f"{folder}/readings.parquet"]))
        pd.testing.assert_frame_equal(table, parquet, check_dtype=False)
        stored = filled.readings.load(recording.id)
        for name in ("frame", "time_s", "face_px", "valence", "light"):
            np.testing.assert_array_equal(table[name], stored[name])
        np.testing.assert_array_equal(table[[f"p_{each}" for each in EMOTIONS]], stored["probabilities"])
        np.testing.assert_array_equal(table[list(MEASURES)], stored["measures"])
        _check_labels(table, stored["expression"])


def _check_labels(table: pd.DataFrame, stored: Any) -> None:
    seen = table["confidence"].notna()
    assert table["expression"][~seen].isna().all()
    for label, index, here in zip(table["expression"], stored, seen, strict=True):
        if here:
            assert label == ("uncertain" if index < 0 else EMOTIONS[index])


def test_no_text_that_somebody_typed_gets_into_a_csv(zipped: Path) -> None:
    """A spreadsheet would run a cell that begins with an equals sign."""
    tables = {name: content for name, content in contents(zipped).items() if name.endswith(".csv")}
    assert len(tables) == 5
    for content in tables.values():
        assert b"=" not in content
        assert b'"' not in content
        assert b"cam" not in content


def test_what_sensors_said_is_in_csv_and_parquet(filled: Store, zipped: Path) -> None:
    files = contents(zipped)
    first = filled.recordings.of(filled.subjects.get("P-017"))[0]
    folder = f"recordings/{first.day}_{first.uuid}"
    parquet = pd.read_parquet(BytesIO(files[f"{folder}/signals.parquet"]))
    stored = to_frame(filled.signals.of(first.id))
    assert len(stored) == 28
    assert list(parquet.columns) == list(stored.columns) == list(COLUMNS)
    by = ["start_s", "signal", "measure"]
    pd.testing.assert_frame_equal(
        parquet.sort_values(by, ignore_index=True),
        stored.sort_values(by, ignore_index=True),
        check_dtype=False,
    )
    table = pd.read_csv(BytesIO(files[f"{folder}/signals.csv"]))
    pd.testing.assert_frame_equal(
        table.drop(columns="signal"), parquet.drop(columns="signal"), check_dtype=False
    )
    assert set(table["signal"]) == {"BVP", "%3DHYPERLINK(eda)", "%2D1%2C %22Brustgürtel%22%0A%2541"}
    assert [unquote(each) for each in table["signal"]] == list(parquet["signal"])
    assert table["value"].isna().sum() == 4


@pytest.mark.parametrize(
    "text", ["", "ECG", "EEG F3-A2", "-", " a ", "=1+1", "%3D", "\r\n\t", "ä＝\u2028", "'x\"", ODD]
)
def test_a_name_comes_back_from_its_harmless_form(text: str) -> None:
    plain = encoded(text)
    assert unquote(plain) == text
    assert not set(plain) & set("=+@\t\r\n,\"'＝")
    assert not plain.startswith(("-", " "))
    assert (
        plain == text
        or not text.replace(" ", "").replace("-", "").isalnum()
        or text[:1] + text[-1:] != text.strip("- ")
    )


def test_the_edf_has_body_and_face_on_one_clock(filled: Store, zipped: Path, tmp_path: Path) -> None:
    pytest.importorskip("edfio")
    first = filled.recordings.of(filled.subjects.get("P-017"))[0]
    content = contents(zipped)[f"recordings/{first.day}_{first.uuid}/signals.edf"]
    (tmp_path / "x.edf").write_bytes(content)
    read = read_signals(tmp_path / "x.edf")
    signals = {each.name: each for each in read.signals}
    assert list(signals)[::2] == [
        "face valence", "face arousal", "breathing rate", "heart rate", "RMSSD", "skin level",
    ]  # fmt: skip
    assert read.start == first.started_at
    odd = "".join(each if each.isprintable() else " " for each in ODD)
    assert read.marks == (
        Mark(0.0, f"prompt: {odd}"),
        Mark(0.0, "speaking"),
    )
    stored = filled.readings.load(first.id)
    for name in ("valence", "arousal"):
        course = signals[f"face {name}"]
        for at, value in zip(course.times_s, course.values, strict=True):
            inside = stored[name][(stored["time_s"] >= at) & (stored["time_s"] < at + 1)]
            assert value == pytest.approx(np.nanmean(inside), abs=1e-4)
    rate = dict(zip(signals["heart rate"].times_s.tolist(), signals["heart rate"].values, strict=True))
    assert rate[30] == pytest.approx(61.5, abs=0.01)  # the middle of the first window
    assert rate[40] == pytest.approx(62.5, abs=0.01)
    assert 60 not in rate  # the fourth has no reading
    quality = signals["Q heart rate"].values
    assert quality[30] == pytest.approx(0.875, abs=1e-4)
    assert quality[60] == 0


@SQLITE
def test_fhir_has_the_heart_at_rest_of_a_recording_that_is_long_enough(store: Store, tmp_path: Path) -> None:
    subject = add_agreed(store, "P-1")
    store.consents.give(subject, given_by="them", purpose="x", signals=["heart"], given_at=START)
    rates = [each for each in body(10) if each.measure == "heart_rate"]
    record(store, subject, START, 6000, sensed=rates)
    bundle = json.loads(contents(export_record(store, "P-1", tmp_path / "a.zip").path)["fhir-r5.json"])
    codes = [
        coding["code"]
        for each in bundle["entry"]
        if each["resource"]["resourceType"] == "Observation"
        for coding in each["resource"]["code"]["coding"]
    ]
    assert codes == ["recording", "8867-4", "40443-4", "8867-4"]


def test_without_what_writes_edf_the_rest_is_exported(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.exchange.exporting.find_spec", lambda name: None)
    exported = export_record(filled, "P-017", tmp_path / "a.zip", fhir="none")
    assert exported.without_edf == 1
    names = [name.rpartition("/")[2] for name in contents(exported.path)]
    assert "signals.csv" in names
    assert "signals.edf" not in names


def test_days_are_those_of_the_record(filled: Store, zipped: Path) -> None:
    subject = filled.subjects.get("P-017")
    expected = days(filled, subject, baseline=taken(filled, subject)).drop(columns=["camera", "network"])
    table = pd.read_csv(BytesIO(contents(zipped)["days.csv"]), index_col="date")
    assert list(table.index) == [str(day) for day in expected.index]
    assert list(table.columns) == list(expected.columns)
    np.testing.assert_array_equal(
        table.astype(float).to_numpy(), expected.astype(float).to_numpy(), strict=False
    )


@SQLITE
def test_what_is_being_written_is_left_out(store: Store, tmp_path: Path) -> None:
    subject = fill(store)
    open_one = store.recordings.start(
        subject, kind="camera", source="c", started_at=START, models={}, settings={}, version="0"
    )
    store.annotations.add(subject, "event", "in it", at=START, recording_id=open_one.id)
    exported = export_record(store, "P-017", tmp_path / "a.zip", fhir="none")
    assert (exported.recordings, exported.open_recordings) == (3, 1)
    files = contents(exported.path)
    assert open_one.uuid not in " ".join(files)
    assert b"in it" not in files["record.json"]
    assert not any("fhir" in name for name in files)


@SQLITE
def test_a_subject_of_whom_nothing_is_kept(store: Store, tmp_path: Path) -> None:
    store.subjects.add("empty")
    exported = export_record(store, "empty", tmp_path / "a.zip")
    record = json.loads(contents(exported.path)["record.json"])
    assert record["recordings"] == record["consents"] == record["annotations"] == record["self_reports"] == []


def test_every_export_has_its_line_in_the_log(filled: Store, zipped: Path) -> None:
    last = next(each for each in reversed(filled.audit.entries()) if each.action != "read")
    assert (last.action, last.subject) == ("export", filled.subjects.get("P-017").number)
    assert last.details == {"recordings": 3, "annotations": 3, "self_reports": 4, "consents": 2}


@SQLITE
def test_what_cannot_be_exported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no subject P-018"):
        export_record(store, "P-018", tmp_path / "a.zip")
    fill(store)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*a\.zip"):
        export_record(store, "P-017", tmp_path / "file" / "a.zip")


def test_a_subject_erased_meanwhile_leaves_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = fill(store)
    load = store.readings.load

    def erase_first(recording_id: int, **options: Any) -> Any:
        monkeypatch.undo()
        store.erase(subject)
        return load(recording_id, **options)

    monkeypatch.setattr(store.readings, "load", erase_first)
    with pytest.raises(StoreError, match="erased"):
        export_record(store, "P-017", tmp_path / "a.zip")
    assert list(tmp_path.glob("*.zip")) == []
    assert store.audit.entries()[-1].action == "erase"


@SQLITE
def test_progress_ends_at_one(store: Store, tmp_path: Path) -> None:
    subject = add_agreed(store, "P-1")
    record(store, subject, START, 20)
    seen: list[float] = []
    export_record(store, "P-1", tmp_path / "a.zip", fhir="none", progress=seen.append)
    assert seen == [0.5, 1.0]


@SQLITE
def test_a_disk_that_fills_leaves_no_zip_and_no_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    lines = len(store.audit.entries())
    written: list[str] = []
    writestr = zipfile.ZipFile.writestr

    def full(self: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes, *more: Any) -> None:
        if len(written) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(info.filename)
        writestr(self, info, data, *more)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match=r"cannot write .*P-017\.zip: No space left on device"):
        export_record(store, "P-017", tmp_path / "out" / "P-017.zip")
    assert list((tmp_path / "out").iterdir()) == []
    assert len(store.audit.entries()) == lines
