"""The commands about subjects, from the first one to the zip that they take home."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.helpers import Run
from mien.store.schema import SelfReportRow
from mien.store.store import Store
from record.people import fill
from store_fixtures import add_agreed
from web import record_people

SAFETY = "please talk to"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands keep the record."""
    path = tmp_path / "data" / "record.sqlite"
    monkeypatch.setenv("MIEN_STORE", str(path))
    return path


@pytest.fixture
def store(run: Run) -> Iterator[Store]:
    """The same record, with the subject P-017 in it."""
    assert run("subject", "add", "P-017", "--birth-year", 1980).code == 0
    with Store() as opened:
        yield opened


@pytest.fixture
def agreed(store: Store) -> Store:
    """The same, and P-017 agreed long ago."""
    store.consents.give(
        store.subjects.get("P-017"), given_by="x", purpose="y", given_at=datetime(1970, 1, 1, tzinfo=UTC)
    )
    return store


COMMANDS = {
    "subject add": "subject add P-017",
    "subject list": "subject list",
    "subject show": "subject show P-017",
    "subject change": "subject change P-017",
    "consent give": "consent give P-017",
    "consent withdraw": "consent withdraw P-017",
    "consent list": "consent list P-017",
    "note add": 'note P-017 "sertraline',
    "note list": "note list P-017",
    "recording list": "recording list P-017",
    "recording remove": "recording remove P-017 12",
    "note remove": "note remove P-017 12",
    "self-report add": "self-report P-017 mood 6",
    "self-report list": "self-report list P-017",
    "self-report remove": "self-report remove P-017 3",
    "self-report mistyped": "self-report mistyped --repair",
    "self-report rename": "self-report rename P-017 3 phq9",
    "self-report questions": "self-report questions phq9 --language de",
    "export": "export P-017 --out P-017.zip",
    "import": "import P-017.zip",
    "erase": "erase P-017",
    "store status": "store status",
    "store check": "store check",
    "store backup": "store backup record-",
    "store salvage": "store salvage record.sqlite",
    "store audit": "store audit",
    "store text get": "store text get phq9_safety",
    "store text set": "store text set crisis",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert ran.code == 0
    assert f"Example: mien {COMMANDS[command]}" in " ".join(ran.out.split())


@pytest.mark.parametrize("group", ["subject", "consent", "note", "self-report", "store", "store text"])
def test_a_group_alone_says_what_is_missing(run: Run, group: str) -> None:
    ran = run(*group.split())
    assert (ran.code, ran.errors) == (2, [f"Missing command; see `mien {group} --help`"])


def test_nothing_is_made_by_looking(run: Run, place: Path) -> None:
    for command in (("subject", "list"), ("export", "P-017", "--out", "a.zip"), ("store", "status")):
        ran = run(*command)
        assert (ran.code, ran.out) == (1, "")
        assert re.search(r"no record at .*record\.sqlite; mien subject add or mien venue add", ran.errors[0])
    assert not place.exists()


def test_a_subject_is_added_shown_and_changed(run: Run, store: Store) -> None:
    assert (
        "mien consent give P-017" in run("subject", "list").out or "no consent" in run("subject", "list").out
    )
    ran = run(
        "subject", "change", "P-017", "--code", "P-18", "--retention-days", 30, "--notes", "left-handed"
    )
    assert (ran.code, ran.out) == (0, "changed P-18\n")
    shown = json.loads(run("subject", "show", "P-18", "--json").out)
    assert shown["subject"]["retention_days"] == 30
    assert shown["subject"]["birth_year"] == 1980
    assert shown["recordings"] == shown["annotations"] == shown["self_reports"] == 0
    assert "30 days" in run("subject", "show", "P-18").out
    assert run("subject", "change", "P-18", "--retention-days", 0).code == 0
    assert store.subjects.get("P-18").retention_days is None
    assert store.audit.entries()[-2].action == "read"


def test_changing_nothing_is_wrong_use(run: Run, store: Store) -> None:
    ran = run("subject", "change", "P-017")
    assert ran.code == 2
    assert "--retention-days" in ran.errors[0]


def test_a_shorter_retention_says_what_it_erased(run: Run) -> None:
    with Store() as store:
        fill(store, "P-1")
    ran = run("subject", "change", "P-1", "--retention-days", 1)
    assert ran.out == "changed P-1; 3 older recordings erased\n"


def test_the_command_that_is_told_gives_the_consent(run: Run) -> None:
    told = run("subject", "add", "P-1").out
    listed, refused = run("consent", "list", "P-1").out, run("note", "P-1", "walked").errors[0]
    commands = {text.strip().rpartition("mien ")[2] for text in (told, listed, refused)}
    assert commands == {"consent give P-1 --by WHO --for TEXT"}
    assert run(*commands.pop().split()).code == 0
    assert run("note", "P-1", "walked").code == 0


def test_consent_is_given_listed_and_withdrawn(run: Run, store: Store) -> None:
    given = run(
        "consent", "give", "P-017", "--by", "the subject", "--for", "my mood",
        "--signals", "expression", "--until", "2126-05-01",
    )  # fmt: skip
    assert (given.code, given.out) == (0, "consent 1: expression, until 2126-05-01\n")
    subject = store.subjects.get("P-017")
    assert store.consents.valid(subject)
    assert store.consents.valid(subject, "measures") is None
    assert re.search(r"P-017 +expression ", run("subject", "list").out)
    assert json.loads(run("consent", "list", "P-017", "--json").out)[0]["signals"] == ["expression"]
    assert "mien erase P-017" in run("consent", "withdraw", "P-017").out
    assert "withdrawn 20" in run("consent", "list", "P-017").out
    again = run("consent", "withdraw", "P-017")
    assert (again.code, len(again.errors)) == (1, 1)
    later = run("consent", "give", "P-017", "--by", "x", "--for", "y", "--from", "2126-05-01")
    assert "valid only from 2126-05-01 00:00" in later.out


def test_notes_are_set_listed_and_removed(run: Run, agreed: Store) -> None:
    store = agreed
    assert run("note", "P-017", "quarrel", "--at", "2026-05-03T14:30Z").code == 0
    assert (
        run("note", "--kind", "medication", "P-017", "sertraline 50 mg", "--at", "2026-05-02T08:00Z").code
        == 0
    )
    assert (
        run("note", "P-017", "a film", "--kind", "prompt", "--expression", "happiness", "--valence", 0.8).code
        == 0
    )
    marks = json.loads(run("note", "list", "P-017", "--json").out)
    assert [each["kind"] for each in marks] == ["medication", "note", "prompt"]
    assert marks[1]["at"] == "2026-05-03T14:30:00+00:00"
    assert marks[2]["data"] == {"expression": "happiness", "valence": 0.8}
    assert "sertraline 50 mg" in run("note", "list", "P-017").out
    assert run("note", "remove", "P-017", marks[1]["id"]).code == 0
    assert len(store.annotations.of(store.subjects.get("P-017"))) == 2
    store.subjects.add("P-018")
    other = run("note", "remove", "P-018", marks[0]["id"])
    assert (other.code, "P-018 has no note" in other.err) == (1, True)


def test_a_subject_may_be_called_like_a_command(run: Run, store: Store) -> None:
    add_agreed(store, "list")
    assert run("note", "add", "list", "text").code == 0
    assert len(store.annotations.of(store.subjects.get("list"))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("note", "P-017", "x", "--at", "yesterday"), 2, "--at"),
        (("note", "P-017", "x", "--kind", "dance"), 2, "dance"),
        (("note", "P-017", "x", "--valence", 0.1), 2, "--kind prompt"),
        (("note", "P-017", "x", "--kind", "prompt", "--expression", "joy"), 2, "--expression"),
        (("note", "P-017"), 1, "text"),
        (("note", "P-017", "x", "--recording", 7), 1, "7"),
        (("note", "P-099", "x"), 1, "P-099"),
        (("self-report", "P-017", "mood", "11"), 1, "from 0 to 10"),
        (("self-report", "P-017", "mood", "six"), 2, "six"),
        (("self-report", "P-017", "phq9", "1", "4"), 1, "9 answers"),
        (("self-report", "P-017", "phq9", *["-"] * 9), 1, "9 answers"),
        (("self-report", "P-017", "PHQ-9", "30"), 1, "from 0 to 27"),
        (("self-report", "P-017", "phq9", "12.5"), 1, "whole total"),
        (("self-report", "P-017", "phq9", "1", "1.5"), 2, "expected numbers"),
        (("self-report", "P-017", "phq8", "12"), 1, "did you mean phq9?"),
        (("self-report", "P-017", "PHQ", "9", "27"), 1, "did you mean phq9?"),
        (("self-report", "P-017", "madrs", "12"), 1, "--other-scale 0 24"),
        (("self-report", "P-017", "madrs", "12", "--other-scale", "0"), 2, "--other-scale"),
        (("self-report", "P-017", "mood", "5", "--at", "2126-05-03T14:30"), 1, "up to now"),
        (("self-report", "rename", "P-017", 5, "phq9"), 1, "no self-report 5"),
        (("self-report", "questions", "madrs"), 2, "madrs"),
        (("self-report", "questions", "phq9", "--language", "fr"), 2, "--language"),
        (("self-report", "P-017", "mood"), 2, "ANSWER"),
        (("self-report", "remove", "P-017", 5), 1, "no self-report 5"),
        (("consent", "give", "P-017", "--by", "me"), 2, "--for"),
        (("consent", "give", "P-017", "--by", "me", "--for", "x", "--signals", "voice"), 1, "voice"),
        (("consent", "give", "P-017", "--by", "me", "--for", "x", "--until", "soon"), 2, "--until"),
        (
            ("consent", "give", "P-017", "--by", "me", "--for", "x", "--until", "2020-01-01"),
            2,
            "--until: 2020-01-01 is in the past",
        ),
        (("subject", "add", "P 1"), 1, "P 1"),
        (("subject", "add", "P-017"), 1, "already"),
        (("export", "P-017"), 2, "--out"),
        (("export", "P-017", "--out", "a.zip", "--fhir", "R4"), 2, "R4"),
        (("import", "gone.zip"), 1, "gone.zip"),
        (("erase", "P-099", "--yes-erase", "P-099"), 1, "P-099"),
        (("store", "text", "set", "phq9_safety", " "), 1, "phq9_safety"),
        (("store", "text", "get", "poem"), 1, "poem"),
        (("self-report", "P-017", "mood", 6, "--at", ""), 2, "--at"),
        (("note", "P-017", "x", "--at", ""), 2, "--at"),
    ],
)
def test_an_error_is_one_line(
    run: Run, agreed: Store, arguments: tuple[object, ...], code: int, named: str
) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out, len(ran.errors), ran.err.count("\n")) == (code, "", 1, 1)
    assert named in ran.errors[0]


@pytest.mark.parametrize(
    "scale", ["phq9", *(pytest.param(each, marks=pytest.mark.exhaustive) for each in ("PHQ-9", "phq_9"))]
)
@pytest.mark.parametrize("answers", [[0] * 8 + [1], [3] * 9, ["25"], ["-", *[0] * 7, 2], ["-"] * 8 + [1]])
def test_the_safety_text_always_stands_by_the_ninth_answer(
    run: Run, agreed: Store, scale: str, answers: list[object]
) -> None:
    agreed.texts.set("phq9_safety", "Call 555-0199 now.")
    assert "Call 555-0199 now." in run("self-report", "P-017", scale, *answers).out
    told = json.loads(run("self-report", "P-017", "phq9", *answers, "--json").out)
    assert told["safety_text"] == "Call 555-0199 now."
    assert "Call 555-0199 now." in run("self-report", "list", "P-017").out
    assert (
        json.loads(run("self-report", "list", "P-017", "--json").out)["safety_text"] == "Call 555-0199 now."
    )


def test_otherwise_it_does_not(run: Run, agreed: Store) -> None:
    store = agreed
    assert SAFETY in store.texts.get("phq9_safety")
    for said in (["phq9", *[3] * 8, 0], ["phq9", "24"], ["gad7", *[3] * 7], ["mood", "0"],
                 ["WHO-5", "12.5", "--other-scale", "0", "25"]):  # fmt: skip
        assert SAFETY not in run("self-report", "P-017", *said).out
    listed = run("self-report", "list", "P-017")
    assert SAFETY not in listed.out
    assert "PHQ-9       24 (3 3 3 3 3 3 3 3 0)" in listed.out
    assert len(store.self_reports.of(store.subjects.get("P-017"))) == 5
    assert run("self-report", "remove", "P-017", 1).code == 0
    assert len(store.self_reports.of(store.subjects.get("P-017"))) == 4


def test_too_few_answers_are_kept_and_the_last_may_be_the_ninth(run: Run, agreed: Store) -> None:
    ran = run("self-report", "P-017", "phq9", *[0] * 7, 3)
    assert ran.code == 0
    assert "PHQ-9 3.38 prorated, 8 of 9 answers" in ran.out
    assert "questions 1 to 8" in ran.out
    assert "not known. Please ask." in ran.out
    assert SAFETY in ran.out
    assert SAFETY not in run("self-report", "P-017", "phq9", *[0] * 7, 3, "-").out
    (short, marked) = agreed.self_reports.of(agreed.subjects.get("P-017"))
    assert short.items == marked.items == (*[0] * 7, 3, None)
    assert short.total is None
    listed = run("self-report", "list", "P-017").out
    assert "(0 0 0 0 0 0 0 3 -) *" in listed
    assert "*  How the ninth question was answered is not known" in listed


def test_a_total_alone_says_that_the_ninth_answer_is_not_known(run: Run, agreed: Store) -> None:
    assert "not known. Please ask." in run("self-report", "P-017", "phq9", "12").out
    told = json.loads(run("self-report", "P-017", "phq9", "24", "--json").out)
    assert (told["ninth_unknown"], told["safety_text"]) == (True, None)
    for known in (["phq9", "0"], ["phq9", *[1] * 8, 0], ["gad7", "7"]):
        assert "not known" not in run("self-report", "P-017", *known).out
    listed = json.loads(run("self-report", "list", "P-017", "--json").out)
    assert [each["ninth_unknown"] for each in listed["self_reports"]] == [True, True, False, False, False]


def test_a_ninth_answer_that_is_not_known_is_said_where_a_record_leaves_and_comes(
    run: Run, agreed: Store, tmp_path: Path
) -> None:
    zipped = tmp_path / "a.zip"
    run("self-report", "P-017", "phq9", "0")
    assert "not known" not in run("export", "P-017", "--out", zipped).out
    run("self-report", "P-017", "phq9", "12")
    assert "not known. Please ask." in run("export", "P-017", "--out", zipped).out
    with zipfile.ZipFile(zipped) as files:
        assert "In 1 PHQ-9 in this record it is not known" in files.read("README.txt").decode()
    assert "not known. Please ask." in run("import", zipped, "--as", "P-117").out


def test_how_difficult_things_were_is_kept(run: Run, agreed: Store) -> None:
    run("self-report", "P-017", "phq9", *[1] * 9, 2)
    run("self-report", "P-017", "phq9", "9", "--difficulty", "3")
    kept = agreed.self_reports.of(agreed.subjects.get("P-017"))
    assert [(each.total, each.difficulty) for each in kept] == [(9.0, 2), (9.0, 3)]
    assert "difficulty 2" in run("self-report", "list", "P-017").out


def test_mistyped_names_are_offered_for_repair_and_their_ninth_answers_looked_at(
    run: Run, store: Store
) -> None:
    subject = store.subjects.get("P-017")
    with store.transaction() as session:
        for scale, total in (("PHQ-9", 27.0), ("phq_9", 12.0), ("gad-7", 30.0), ("phq8", 5.0)):
            session.add(
                SelfReportRow(subject_id=subject.id, at=store.now(), scale=scale, total=total, note="")
            )
    listed = run("self-report", "mistyped")
    assert SAFETY in listed.out
    assert "PHQ-9 27: PHQ-9; mien self-report mistyped --repair" in listed.out
    assert "phq_9 12: PHQ-9; mien self-report mistyped --repair (ninth answer unknown)" in listed.out
    assert "gad-7 30: no total of GAD-7; mien self-report remove P-017 3" in listed.out
    assert "phq8 5: PHQ-9? mien self-report rename P-017 4 phq9" in listed.out
    assert SAFETY in run("self-report", "list", "P-017").out
    repaired = json.loads(run("self-report", "mistyped", "--repair", "--json").out)
    assert repaired["repaired"] == [1, 2]
    assert SAFETY in repaired["safety_text"]
    assert [each.total for each in store.self_reports.of(subject, "phq9")] == [27.0, 12.0]
    assert run("self-report", "rename", "P-017", 4, "phq8", "--other-scale", 0, 24).code == 0
    assert run("self-report", "remove", "P-017", 3).code == 0
    assert run("self-report", "mistyped").out == "none\n"


def test_the_questions_are_printed_in_each_language(run: Run, store: Store) -> None:
    assert "9. Thoughts that you would be better off dead" in run("self-report", "questions", "PHQ-9").out
    german = run("self-report", "questions", "phq9", "--language", "de").out
    assert "9. Gedanken, dass Sie lieber tot wären" in german
    assert "3 Beinahe jeden Tag" in german
    assert "10. " in german
    assert "1. Se ha sentido nervioso(a)" in run("self-report", "questions", "gad7", "--language", "es").out


def test_export_erase_import(run: Run, tmp_path: Path, place: Path) -> None:
    with Store() as store:
        fill(store)
    ran = run("export", "P-017", "--out", "one.zip")
    assert ran.out.startswith("one.zip: 3 recordings, 3 marks, 4 self-reports, 2 consents\n")
    assert SAFETY in ran.out
    with zipfile.ZipFile("one.zip") as zipped:
        assert SAFETY in zipped.read("README.txt").decode()
        assert SAFETY in zipped.read("fhir-r5.json").decode()
    assert stat.S_IMODE(Path("one.zip").stat().st_mode) == 0o600
    erased = run("erase", "P-017", "--yes-erase", "P-017")
    assert re.match(r"erased P-017: 2 consents, 3 recordings, .*2,800 readings", erased.out)
    assert "exported zips" in erased.out
    assert b"sertraline" not in place.read_bytes()
    imported = json.loads(run("import", "one.zip", "--json").out)
    assert (imported["subject"]["code"], imported["recordings"]) == ("P-017", 3)
    assert SAFETY in imported["safety_text"]
    taken = run("import", "one.zip")
    assert (taken.code, len(taken.errors)) == (1, 1)
    exported = json.loads(run("export", "P-017", "--out", "two.zip", "--json").out)
    assert exported["path"] == "two.zip"
    assert Path("two.zip").read_bytes() == Path("one.zip").read_bytes()
    assert "export" in run("store", "audit").out


def test_erasing_asks_for_the_code(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal("P-018\n"))
    ran = run("erase", "P-017")
    assert (ran.code, "nothing was erased" in ran.err) == (2, True)
    monkeypatch.setattr(sys, "stdin", _Terminal("P-017\n"))
    assert "erased P-017: there was only the code" in run("erase", "P-017").out
    assert store.subjects.find("P-017") is None


def test_a_script_has_to_say_that_it_means_it(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("P-017\n"))
    assert "--yes-erase P-017" in run("erase", "P-017").errors[0]
    assert run("erase", "P-017", "--yes-erase", "P-018").code == 2
    assert store.subjects.find("P-017")
    told = json.loads(run("erase", "P-017", "--yes-erase", "P-017", "--json").out)
    assert told["erased"]["consents"] == 0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_store_tells_of_itself(run: Run, store: Store, place: Path, tmp_path: Path) -> None:
    state = json.loads(run("store", "status", "--json").out)
    assert (state["where"], state["database"], state["subjects"]) == (str(place), "sqlite", 1)
    assert "1 subject, 0 recordings, 0 users" in run("store", "status").out
    assert run("store", "check").out.startswith("intact: the 1 lines")
    assert run("store", "audit", "--verify").out == "1 lines, as they were written\n"
    entries = json.loads(run("store", "audit", "--json").out)
    assert [each["action"] for each in entries] == ["add"]


def test_without_a_consent_nothing_is_kept(run: Run, store: Store) -> None:
    for command in (
        ("self-report", "P-017", "phq9", "27"),
        ("note", "P-017", "sertraline 50 mg", "--kind", "medication"),
    ):
        ran = run(*command)
        assert (ran.code, ran.out) == (1, "")
        assert "P-017 has no consent: mien consent give P-017" in ran.errors[0]
    assert run("consent", "give", "P-017", "--by", "her", "--for", "x").code == 0
    for at in ("2019-05-01T10:00", "2199-05-01T10:00"):
        assert run("self-report", "P-017", "mood", "5", "--at", at).code == 1
        assert run("note", "P-017", "x", "--at", at).code == 1
    assert run("self-report", "P-017", "mood", "5").code == 0
    run("consent", "give", "P-017", "--by", "her", "--for", "x", "--from", "2019-04-01")
    assert run("self-report", "P-017", "mood", "5", "--at", "2019-05-01T10:00").code == 0
    run("consent", "withdraw", "P-017")
    assert "it was withdrawn on" in run("self-report", "P-017", "mood", "5").err
    assert "it was withdrawn on" in run("note", "P-017", "x").err


def test_one_wrong_recording_is_listed_and_removed(
    run: Run, agreed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = agreed.subjects.get("P-017")
    made = record_people.record(agreed, subject, datetime(2026, 5, 4, 9, tzinfo=UTC), minutes=2)
    assert re.match(r" +1  2026-05-04 .* 2\.0 min  camera\n", run("recording", "list", "P-017").out)
    assert json.loads(run("recording", "list", "P-017", "--json").out)[0]["uuid"] == made.uuid
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "--yes" in run("recording", "remove", "P-017", 1).errors[0]
    monkeypatch.setattr(sys, "stdin", _Terminal("n\n"))
    assert "nothing was erased" in run("recording", "remove", "P-017", 1).err
    assert run("recording", "remove", "P-017", 1, "--yes").out.startswith("removed 1, of 2026-05-04")
    assert "no recordings of P-017" in run("recording", "list", "P-017").out
    again = run("recording", "remove", "P-017", 1, "--yes")
    assert (again.code, "has no recording 1" in again.err) == (1, True)


def test_a_check_finds_what_another_program_did(run: Run, agreed: Store) -> None:
    agreed.self_reports.add(agreed.subjects.get("P-017"), "mood", total=5)
    assert run("store", "check").code == 0
    with agreed.transaction() as session:
        session.execute(text("UPDATE self_reports SET total = 1"))
    ran = run("store", "check")
    assert (ran.code, ran.out) == (1, "P-017: self-report 1 was altered by another program\n")
    assert "1 difference" in ran.errors[0]
    assert json.loads(run("store", "check", "--json").out)["altered"] == [ran.out.strip()]


def test_texts(run: Run, store: Store) -> None:
    assert SAFETY in run("store", "text", "get", "phq9_safety").out
    assert run("store", "text", "set", "crisis", "Ring the bell.").code == 0
    assert run("store", "text", "get", "crisis").out == "Ring the bell.\n"


def test_backup_and_salvage(run: Run, store: Store, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("store", "backup", "copy.sqlite").code == 0
    with Store("copy.sqlite") as copy:
        assert [each.code for each in copy.subjects.all()] == ["P-017"]
    assert run("store", "backup", "copy.sqlite").code == 1
    told = json.loads(run("store", "salvage", "copy.sqlite", "rescued.sqlite", "--json").out)
    assert told["copied"]["subjects"] == 1
    assert "subjects" in run("store", "salvage", "copy.sqlite", "again.sqlite").out


def test_another_place(run: Run, store: Store, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.sqlite"
    assert run("subject", "add", "S-1", "--store", place).code == 0
    assert [each["code"] for each in json.loads(run("subject", "list", "--store", place, "--json").out)] == [
        "S-1"
    ]
