from __future__ import annotations

import hashlib
import json
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.helpers import ENVIRONMENT
from mien.errors import ConsentError, SourceError, StoreError
from mien.exchange.exporting import export_record
from mien.exchange.importing import import_record
from mien.store.schema import ConsentRow
from mien.store.store import Store
from record.people import NOW, START, body, contents, fill, rewrite
from store_fixtures import FakeClock
from store_series import same

SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
Files = dict[str, bytes]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full record, exported once."""
    folder = tmp_path_factory.mktemp("exported")
    with Store(folder / "record.sqlite", who="tester", now=FakeClock(NOW)) as store:
        fill(store)
        return export_record(store, "P-017", folder / "P-017.zip", fhir="none").path


@pytest.fixture
def other(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store(tmp_path / "other.sqlite", who="tester", now=clock) as opened:
        yield opened


def test_export_erase_import_export_gives_the_same_bytes(
    store: Store, tmp_path: Path, clock: FakeClock
) -> None:
    number = fill(store).number
    first = export_record(store, "P-017", tmp_path / "first.zip").path
    store.erase(store.subjects.get("P-017"))
    clock.advance(days=1)
    imported = import_record(store, first)
    second = export_record(store, "P-017", tmp_path / "second.zip").path
    assert contents(second) == contents(first)
    assert second.read_bytes() == first.read_bytes()
    assert imported.subject.number not in (number, "")
    assert (imported.recordings, imported.annotations, imported.self_reports, imported.consents) == (
        3,
        3,
        4,
        2,
    )
    assert [each.action for each in store.audit.entries()][-2:] == ["import", "export"]
    assert store.audit.verify()


def test_from_one_database_to_the_other_and_back(store: Store, other: Store, tmp_path: Path) -> None:
    there, back = (store, other) if store.engine.dialect.name == "postgresql" else (other, store)
    fill(there)
    first = export_record(there, "P-017", tmp_path / "first.zip", fhir="none").path
    import_record(back, first)
    again = export_record(back, "P-017", tmp_path / "again.zip", fhir="none").path
    assert again.read_bytes() == first.read_bytes()


@SQLITE
def test_the_record_is_the_identical_one(store: Store, other: Store, tmp_path: Path) -> None:
    mine = fill(store)
    theirs = import_record(other, export_record(store, "P-017", tmp_path / "a.zip", fhir="none").path).subject
    assert (theirs.code, theirs.created_at, theirs.notes) == (mine.code, mine.created_at, mine.notes)
    recordings = list(zip(store.recordings.of(mine), other.recordings.of(theirs), strict=True))
    for one, two in recordings:
        for name in ("uuid", "started_at", "length_s", "frames", "coverage", "state", "models", "settings"):
            assert getattr(one, name) == getattr(two, name)
        assert one.started_at.utcoffset() == two.started_at.utcoffset()
        assert same(store.readings.load(one.id), other.readings.load(two.id))
        assert store.readings.events(one.id) == other.readings.events(two.id)
    assert other.recordings.recover() == []
    ids = {one.id: two.id for one, two in recordings} | {None: None}
    for mark, again in zip(store.annotations.of(mine), other.annotations.of(theirs), strict=True):
        assert (ids[mark.recording_id], mark.at, mark.until) == (again.recording_id, again.at, again.until)
        assert (mark.kind, mark.text, mark.data) == (again.kind, again.text, again.data)
    said = [
        [replace(each, id=0, subject_id=0) for each in reports]
        for reports in (store.self_reports.of(mine), other.self_reports.of(theirs))
    ]
    assert said[0] == said[1]
    taken = [
        [
            (each.made_at, json.loads(each.value))
            for each in (*one.baselines.of(who), *one.neutral_faces.of(who))
        ]
        for one, who in ((store, mine), (other, theirs))
    ]
    assert taken[0] == taken[1]
    assert len(taken[0]) == 2


@SQLITE
def test_a_record_of_the_first_format_is_imported_with_all_it_had(
    store: Store, other: Store, tmp_path: Path, clock: FakeClock
) -> None:
    fill(store)
    path = export_record(store, "P-017", tmp_path / "a.zip", fhir="none").path
    files = contents(path)
    record = json.loads(files["record.json"])
    at = clock().isoformat()
    record["self_reports"] = [
        {"at": at, "scale": scale, "items": None, "total": total, "note": ""}
        for scale, total in (("PHQ-9", 26), ("gad-7", 30), ("mood", 7.5), ("WHO-5", 12.5))
    ]
    files["record.json"] = json.dumps(record).encode()
    manifest = json.loads(files["manifest.json"])
    manifest["format_version"] = 1
    manifest["files"]["record.json"] = {
        "bytes": len(files["record.json"]),
        "sha256": hashlib.sha256(files["record.json"]).hexdigest(),
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    imported = import_record(other, rewrite(tmp_path / "b.zip", files))
    # A known scale has its name, and what doesn't fit one is found as mistyped.
    kept = [(each.scale, each.total) for each in other.self_reports.of(imported.subject)]
    assert kept == [("phq9", 26.0), ("gad-7", 30.0), ("mood", 7.5), ("WHO-5", 12.5)]
    assert [(each.report.scale, each.fits) for each in other.self_reports.mistyped()] == [("gad-7", False)]
    assert imported.safety_text == other.texts.get("phq9_safety")


def test_a_fault_in_the_middle_leaves_nothing(
    store: Store, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(store.audit.entries())
    monkeypatch.setattr(store.self_reports, "restore", _fails)
    with pytest.raises(StoreError, match="the disk is full"):
        import_record(store, zipped)
    assert store.subjects.all() == []
    assert store.recordings.find(json.loads(contents(zipped)["record.json"])["recordings"][0]["uuid"]) is None
    assert len(store.audit.entries()) == before
    monkeypatch.undo()
    assert import_record(store, zipped).recordings == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from mien.exchange.importing import import_record
from mien.store.schema import ConsentRow
from mien.store.store import Store

def kill(done):
    if done > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)

import_record(Store(sys.argv[1]), Path(sys.argv[2]), progress=kill)
"""


@pytest.mark.exhaustive
def test_killed_in_the_middle_leaves_nothing(store: Store, store_url: str, zipped: Path) -> None:
    command = [sys.executable, "-c", KILLED, store_url, str(zipped)]
    assert subprocess.run(command, env=ENVIRONMENT, check=False).returncode == -signal.SIGKILL
    assert store.subjects.all() == []
    assert store.audit.entries() == []
    assert import_record(store, zipped).recordings == 3


def _fails(*_: object, **__: object) -> None:
    raise StoreError("the disk is full")


@SQLITE
def test_a_code_that_is_taken(store: Store, zipped: Path) -> None:
    store.subjects.add("P-017")
    with pytest.raises(StoreError, match=r"there is already a subject P-017.*--as NEW-CODE"):
        import_record(store, zipped)
    assert import_record(store, zipped, code="P-018").subject.code == "P-018"
    assert [each.code for each in store.subjects.all()] == ["P-017", "P-018"]
    with pytest.raises(StoreError, match="the recording of 2026-05-03 14:30 is already in the store"):
        import_record(store, zipped, code="P-019")


def _drop(name: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[_named(files, name)]

    return change


def _put(name: str, content: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        files[_named(files, name)] = content

    return change


def _json(name: str, alter: Callable[[Any], None]) -> Callable[[Files], None]:
    """Change a JSON file, and the manifest with it: no hash gives it away."""

    def change(files: Files) -> None:
        full = _named(files, name)
        value = json.loads(files[full])
        alter(value)
        _signed(files, full, json.dumps(value).encode())

    return change


def _record(alter: Callable[[Any], None]) -> Callable[[Files], None]:
    return _json("record.json", alter)


def _csv(old: bytes, new: bytes, name: str = "readings.csv") -> Callable[[Files], None]:
    ending = name

    def change(files: Files) -> None:
        name = _named(files, ending)
        assert old in files[name]
        _signed(files, name, files[name].replace(old, new, 1))

    return change


def _named(files: Files, ending: str) -> str:
    return next((name for name in files if name.endswith(ending)), ending)


def _signed(files: Files, name: str, content: bytes) -> None:
    files[name] = content
    if name != "manifest.json":
        manifest = json.loads(files["manifest.json"])
        manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        files["manifest.json"] = json.dumps(manifest).encode()


def _sign_new(name: str) -> Callable[[Files], None]:
    return lambda files: _signed(files, name, b"x")


WRONG = {
    "no manifest": (_drop("manifest.json"), r"manifest\.json is missing"),
    "a manifest of somebody else": (_put("manifest.json", b'{"format": "x"}'), "does not say that it"),
    "a manifest of the wrong shape": (_put("manifest.json", b"[1]"), r"manifest\.json: Input should be"),
    "a manifest that is no JSON": (_put("manifest.json", b"{"), r"manifest\.json: Invalid JSON"),
    "a newer format": (_json("manifest.json", lambda m: m.update(format_version=4)), "newer Mien"),
    "a file is missing": (_drop("events.json"), r"events\.json' is missing"),
    "a file too many": (_put("recordings/x.exe", b""), "holds a file that no record has"),
    "a file that is not in the manifest": (_put("fhir-r5.json", b"{}"), r"fhir-r5\.json is not listed in"),
    "a path that leads outside": (_sign_new("../evil"), "holds a file that no record has: '../evil'"),
    "an absolute path": (_sign_new("/etc/evil"), "holds a file that no record has"),
    "a path of Windows": (_sign_new("..\\evil"), "holds a file that no record has"),
    "a changed file": (_put("record.json", b"{}"), r"record\.json was changed or damaged"),
    "a changed table": (_put("readings.csv", b"frame\n"), "was changed or damaged"),
    "a record without a subject": (_record(lambda r: r.pop("subject")), r"subject: Field required"),
    "a code that is a path": (_record(lambda r: r["subject"].update(code="../x")), "subject.code"),
    "a name that is new": (_record(lambda r: r.update(extra=1)), "extra: Extra inputs"),
    "a time without zone": (
        _record(lambda r: r["subject"].update(created_at="2026-05-01T10:00:00")),
        "subject.created_at: .*timezone",
    ),
    "a share above 1": (_record(lambda r: r["recordings"][0].update(coverage=1.5)), "coverage"),
    "a kind that there is not": (_record(lambda r: r["recordings"][0].update(kind="x")), "kind"),
    "a recording twice": (
        _record(lambda r: r["recordings"].append(r["recordings"][0])), "holds the same"
    ),
    "a mark in no recording": (
        _record(lambda r: r["annotations"][0].update(recording="0" * 32)),
        "a recording that is not in it",
    ),
    "files of no recording": (_record(lambda r: r["recordings"].pop()), "is of no recording|not in it"),
    "events of the wrong shape": (_json("events.json", lambda e: e.append({})), r"events\.json: 2"),
    "other columns": (_csv(b"time_s", b"seconds"), "expected the column time_s, received seconds"),
    "a time that goes back": (_csv(b"\n1,0.", b"\n1,-0."), "expected times that rise"),
    "a row without a time": (_csv(b"\n1,0.", b"\n1,,0."), r"readings\.csv cannot be read"),
    "a label that there is not": (_csv(b",anger,", b",hunger,"), "expected labels of neutral"),
    "other columns of signals": (
        _csv(b"quality", b"goodness", "signals.csv"), "expected the column quality, received goodness"
    ),
    "a window without a start": (_csv(b"\n0,60", b"\n,60", "signals.csv"), "expected a window, a measure"),
    "a figure that is none": (_csv(b",61.5,", b",high,", "signals.csv"), r"signals\.csv cannot be read"),
    "changed signals": (_put("signals.csv", b"start_s\n"), "was changed or damaged"),
    "signals that are missing": (_drop("signals.csv"), r"signals\.csv' is missing"),
    "a number that is none": (_csv(b"\n1,0.", b"\nx,0."), r"readings\.csv cannot be read"),
}  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that stays empty, whatever is tried."""
    with Store(tmp_path_factory.mktemp("empty") / "record.sqlite", who="tester") as opened:
        yield opened


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused(empty: Store, zipped: Path, tmp_path: Path, case: str) -> None:
    change, message = WRONG[case]
    files = contents(zipped)
    change(files)
    with pytest.raises(SourceError, match=message) as caught:
        import_record(empty, rewrite(tmp_path / "bad.zip", files))
    assert str(caught.value).startswith(f"cannot import {tmp_path / 'bad.zip'}: ")
    assert "\n" not in str(caught.value)
    assert empty.subjects.all() == []
    assert empty.audit.entries() == []
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_what_does_not_fit_together_is_refused(empty: Store, zipped: Path, tmp_path: Path) -> None:
    """The store's own checks hold for what is imported, too."""
    files = contents(zipped)
    _json("record.json", lambda r: r["self_reports"][0].update(items=[9] * 9))(files)
    with pytest.raises(StoreError, match="phq9: expected 9 answers from 0 to 3"):
        import_record(empty, rewrite(tmp_path / "bad.zip", files))
    assert empty.subjects.all() == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b",heart_rate,", b",truthfulness,"),
        (b",0.875\n", b",1.5\n"),
        (b",61.5,", b",inf,"),
        (b"\n0,60,", b"\n60,0,"),
    ],
)
def test_figures_of_a_body_that_cannot_be_are_refused(
    empty: Store, zipped: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    files = contents(zipped)
    _csv(old, new, "signals.csv")(files)
    with pytest.raises(StoreError, match="signals: expected a"):
        import_record(empty, rewrite(tmp_path / "bad.zip", files))
    assert empty.subjects.all() == []


def test_what_sensors_said_comes_back_and_is_sealed(other: Store, zipped: Path) -> None:
    subject = import_record(other, zipped).subject
    first, *_ = other.recordings.of(subject)
    found = other.signals.of(first.id)
    assert sorted(found, key=str) == sorted(body(2), key=str)
    assert other.signals.kept(first.id) == ("heart", "skin", "respiration")
    assert other.check().altered == other.check().without_consent == []


def test_a_record_from_before_sensors_is_imported(other: Store, zipped: Path, tmp_path: Path) -> None:
    files = {name: content for name, content in contents(zipped).items() if "signals." not in name}
    _record(lambda r: [each.update(signals=["expression", "measures"]) for each in r["consents"]])(files)
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {name: each for name, each in manifest["files"].items() if name in files}
    files["manifest.json"] = json.dumps(manifest | {"format_version": 2}).encode()
    imported = import_record(other, rewrite(tmp_path / "old.zip", files))
    assert imported.recordings == 3
    assert all(other.signals.of(each.id) == () for each in other.recordings.of(imported.subject))


def test_what_sensors_said_without_consent_is_refused_or_left_out_alone(
    other: Store, zipped: Path, tmp_path: Path
) -> None:
    files = contents(zipped)
    _record(lambda r: r["consents"][1].update(signals=["expression", "measures", "heart", "skin"]))(files)
    path = rewrite(tmp_path / "more.zip", files)
    with pytest.raises(ConsentError, match=r"what sensors said of 2026-05-03 14:30: .*respiration"):
        import_record(other, path)
    assert other.subjects.all() == []
    imported = import_record(other, path, leave_out=True)
    assert imported.recordings == 3
    assert [each.partition(" of ")[0] for each in imported.left_out] == ["what sensors said"]
    assert other.check().without_consent == []


def test_damaged_files(empty: Store, zipped: Path, tmp_path: Path) -> None:
    whole = zipped.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.zip").write_bytes(whole[:cut])
        with pytest.raises(SourceError, match="cannot import"):
            import_record(empty, tmp_path / "cut.zip")
    with pytest.raises(SourceError, match=r"cannot import .*gone\.zip: there is no such file"):
        import_record(empty, tmp_path / "gone.zip")
    with pytest.raises(SourceError, match="it is a folder"):
        import_record(empty, tmp_path)
    assert empty.subjects.all() == []


@SQLITE
def test_every_flipped_byte_is_noticed_or_does_no_harm(store: Store, zipped: Path, tmp_path: Path) -> None:
    """What is not noticed can only be in what the zip says of itself, such as a date."""
    whole = bytearray(zipped.read_bytes())
    noticed = 0
    places = range(7, len(whole), len(whole) // 40)
    for place in places:
        whole[place] ^= 0x10
        (tmp_path / "bad.zip").write_bytes(whole)
        whole[place] ^= 0x10
        try:
            import_record(store, tmp_path / "bad.zip", code=f"S-{place}")
        except SourceError:
            noticed += 1
        else:
            store.erase(store.subjects.get(f"S-{place}"))
    assert noticed >= len(places) - 3


def test_bombs(empty: Store, zipped: Path, tmp_path: Path) -> None:
    """One that says its size, and one that lies about it."""
    manifest = contents(zipped)["manifest.json"]
    bomb = rewrite(tmp_path / "bomb.zip", {"manifest.json": manifest, "fhir-r5.json": bytes(10_000_000)})
    assert bomb.stat().st_size < 20_000
    with pytest.raises(SourceError, match="unpack to far more than any record needs"):
        import_record(empty, bomb)
    lying = bytearray(bomb.read_bytes())
    size = struct.pack("<I", 10_000_000)
    while (place := lying.find(size)) >= 0:
        lying[place : place + 4] = struct.pack("<I", 1000)
    (tmp_path / "lying.zip").write_bytes(lying)
    with pytest.raises(SourceError, match="cannot import"):
        import_record(empty, tmp_path / "lying.zip")


def test_a_link_in_the_zip_is_no_link(empty: Store, zipped: Path, tmp_path: Path) -> None:
    """A name that is allowed, but a symbolic link to another file: it is read as the text that it is."""
    files = contents(zipped)
    target = tmp_path / "private"
    target.write_bytes(files["record.json"])
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            link = name == "record.json"
            info.external_attr = (0o120777 if link else 0o100600) << 16
            opened.writestr(info, str(target).encode() if link else content)
    with pytest.raises(SourceError, match=r"record\.json was changed or damaged"):
        import_record(empty, path)
    _signed(files, "record.json", str(target).encode())
    with pytest.raises(SourceError, match=r"record\.json: Invalid JSON"):
        import_record(empty, rewrite(path, files))
    assert empty.subjects.all() == []


def test_the_parquet_and_the_edf_in_a_zip_are_never_opened(
    other: Store, zipped: Path, tmp_path: Path
) -> None:
    """They are for other programs, so that none of their bombs goes off here: what is none does no harm."""
    files = contents(zipped)
    for name in [name for name in files if name.endswith((".parquet", ".edf"))]:
        _signed(files, name, b"PAR1 and no more")
    assert import_record(other, rewrite(tmp_path / "bomb.zip", files)).recordings == 3


def test_a_name_that_stands_there_twice(empty: Store, zipped: Path, tmp_path: Path) -> None:
    path = rewrite(tmp_path / "twice.zip", contents(zipped))
    with zipfile.ZipFile(path, "a") as opened, pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr("record.json", "{}")
    with pytest.raises(SourceError, match="twice"):
        import_record(empty, path)


@pytest.mark.exhaustive
def test_a_way_of_packing_that_is_not_ours(empty: Store, zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as opened:
        for name, content in contents(zipped).items():
            opened.writestr(name, content)
    with pytest.raises(SourceError, match="packed in a way that `mien export` does not use"):
        import_record(empty, tmp_path / "lzma.zip")


@SQLITE
def test_what_is_past_its_retention_is_imported_and_then_erased(
    store: Store, zipped: Path, clock: FakeClock
) -> None:
    imported = import_record(store, zipped)
    store.subjects.change("P-017", retention_days=30)
    clock.advance(days=40)
    assert store.enforce_retention() == {"P-017": 3}
    assert store.recordings.of(imported.subject, START) == []


@pytest.mark.exhaustive
def test_nothing_comes_back_of_who_has_withdrawn(store: Store, tmp_path: Path, clock: FakeClock) -> None:
    subject = fill(store)
    before = export_record(store, "P-017", tmp_path / "before.zip", fhir="none").path
    store.consents.withdraw(subject)
    clock.advance(hours=1)
    after = export_record(store, "P-017", tmp_path / "after.zip", fhir="none").path
    store.erase(subject)
    for leave_out in (False, True):
        with pytest.raises(ConsentError, match=r"it was withdrawn on 2026-05-06"):
            import_record(store, after, leave_out=leave_out)
    assert store.subjects.all() == []
    # The older zip knows nothing of it: its own consents hold.
    assert import_record(store, before).recordings == 3
    assert store.check().altered == store.check().without_consent == []


def test_what_no_consent_covers_is_refused_or_left_out(store: Store, tmp_path: Path) -> None:
    subject = fill(store)
    with store.transaction() as session:
        (consent,) = session.scalars(select(ConsentRow).where(ConsentRow.withdrawn_at.is_(None)))
        consent.given_at = START + timedelta(1)
        (former,) = session.scalars(select(ConsentRow).where(ConsentRow.withdrawn_at.is_not(None)))
        former.withdrawn_at = START - timedelta(3)
    path = export_record(store, "P-017", tmp_path / "a.zip", fhir="none").path
    store.erase(subject)
    with pytest.raises(
        ConsentError, match=r"recording of 2026-05-03 14:30: .*; --leave-out imports the rest"
    ):
        import_record(store, path)
    assert store.subjects.all() == []
    found = import_record(store, path, leave_out=True)
    # The first recording with its two marks, the medicine, that day's four questionnaires and neutral face.
    assert (found.recordings, found.annotations, found.self_reports, found.consents) == (2, 0, 0, 2)
    assert [each.partition(" of ")[0] for each in found.left_out] == [
        "recording", "mark", "self-report", "self-report", "self-report", "self-report", "neutral face",
    ]  # fmt: skip
    assert store.check().altered == store.check().without_consent == []
    (line,) = [each for each in store.audit.entries() if each.action == "import"]
    assert (line.details["left_out"], line.details["recordings"]) == (7, 2)
    # The PHQ-9 of that day has a ninth answer above 0: who brings the record hears of it all the same.
    assert found.safety_text == store.texts.get("phq9_safety")
