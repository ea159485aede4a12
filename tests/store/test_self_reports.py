"""Self-reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mien.errors import StoreError
from mien.store.scales import SCALES
from mien.store.schema import SelfReportRow
from mien.store.store import Store
from mien.store.types import Subject
from store_fixtures import FakeClock, add_agreed


@pytest.fixture
def subject(store: Store) -> Subject:
    return add_agreed(store)


def test_items_add_up(store: Store, subject: Subject, clock: FakeClock) -> None:
    added = store.self_reports.add(subject, "phq9", items=[0, 1, 2, 3, 0, 1, 2, 3, 1], note=" tired ")
    assert (added.items, added.total) == ((0, 1, 2, 3, 0, 1, 2, 3, 1), 13.0)
    assert (added.at, added.note) == (clock(), "tired")
    assert store.self_reports.of(subject) == [added]
    assert store.self_reports.add(subject, "gad7", items=[3] * 7, total=21).total == 21.0


def test_totals_alone_are_kept(store: Store, subject: Subject) -> None:
    for scale, total in (("mood", 7.0), ("phq9", 27.0), ("gad7", 0.0)):
        added = store.self_reports.add(subject, scale, total=total)
        assert (added.scale, added.items, added.total) == (scale, None, total)
        assert (added.lowest, added.highest, added.difficulty) == (None, None, None)


# Names.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(
            (each, "phq9")
            for each in ("PHQ-9", "PHQ9", "phq_9", "Phq9", " phq 9 ", "ＰＨＱ－９", "PHQ\u20119")
        ),
        ("Patient Health Questionnaire-9", "phq9"),
        ("gad-7", "gad7"),
        ("GAD 7", "gad7"),
        ("Generalised Anxiety Disorder 7", "gad7"),
        ("Mood", "mood"),
    ],
)
def test_a_known_scale_is_found_however_it_is_written(
    store: Store, subject: Subject, written: str, meant: str
) -> None:
    assert store.self_reports.add(subject, written, total=5).scale == meant
    assert len(store.self_reports.of(subject, written)) == 1
    with pytest.raises(StoreError, match="whole total from 0 to"):
        store.self_reports.add(subject, written, total=30)
    with pytest.raises(StoreError, match="is a known scale"):
        store.self_reports.add(subject, written, total=5, limits=(0, 99))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("phq8", "phq9"),
        ("phq", "phq9"),
        ("PQH9", "phq9"),
        ("gad_2", "gad7"),
        ("moood", "mood"),
        ("PHQ-9-week4", "phq9"),
        ("intake_gad.7", "gad7"),
    ],
)
def test_a_near_miss_is_refused_with_what_was_meant(
    store: Store, subject: Subject, written: str, meant: str
) -> None:
    with pytest.raises(StoreError, match=f"did you mean {meant}"):
        store.self_reports.add(subject, written, total=5)
    assert store.self_reports.of(subject) == []


def test_another_scale_needs_its_range(store: Store, subject: Subject) -> None:
    with pytest.raises(StoreError, match=r"not a scale that Mien knows.*--other-scale") as refused:
        store.self_reports.add(subject, "madrs", total=30)
    assert "did you mean" not in str(refused.value)
    added = store.self_reports.add(subject, "madrs", total=30, limits=(0, 60))
    assert (added.scale, added.total, added.lowest, added.highest) == ("madrs", 30.0, 0.0, 60.0)
    assert store.self_reports.add(subject, "phq8", total=24, limits=(0, 24)).scale == "phq8"
    assert store.self_reports.add(subject, "panas", total=-1.5, limits=(-5, 5)).total == -1.5


def test_another_scale_keeps_its_spelling_and_range_in_a_record(store: Store, subject: Subject) -> None:
    store.self_reports.add(subject, "WHO-5", total=52, limits=(0, 100))
    again = store.self_reports.add(subject, "who5", total=60)
    assert (again.scale, again.highest) == ("WHO-5", 100.0)
    with pytest.raises(StoreError, match="from 0 to 100"):
        store.self_reports.add(subject, "WHO_5", total=101)
    with pytest.raises(StoreError, match="its range is 0 to 100"):
        store.self_reports.add(subject, "WHO-5", total=20, limits=(0, 25))
    with pytest.raises(StoreError, match="not a scale that Mien knows"):
        store.self_reports.add(store.subjects.add("P-018"), "WHO-5", total=1)


# Answers.


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 3], (0, 0, 0, 0, 0, 0, 0, 3, None)),
        ([0, None, 0, 0, 0, 0, 0, 0, 3], (0, None, 0, 0, 0, 0, 0, 0, 3)),
        ([None] * 8 + [1], (*[None] * 8, 1)),
    ],
)
def test_answers_with_some_missing_are_kept_without_a_total(
    store: Store, subject: Subject, given: list[int | None], kept: tuple[int | None, ...]
) -> None:
    store.self_reports.add(subject, "phq9", items=given)
    (found,) = store.self_reports.of(subject)
    assert (found.items, found.total) == (kept, None)


def test_the_tenth_answer_of_the_phq9_is_how_difficult_things_were(store: Store, subject: Subject) -> None:
    tenth = store.self_reports.add(subject, "phq9", items=[1] * 9 + [2])
    assert (tenth.items, tenth.total, tenth.difficulty) == ((1,) * 9, 9.0, 2)
    assert store.self_reports.add(subject, "phq9", total=9, difficulty=0).difficulty == 0
    for wrong in ({"items": [1] * 9, "difficulty": 4}, {"items": [1] * 9 + [1], "difficulty": 1}):
        with pytest.raises(StoreError, match="difficulty"):
            store.self_reports.add(subject, "phq9", **wrong)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="no question about difficulty"):
        store.self_reports.add(subject, "gad7", total=1, difficulty=1)


def test_an_answer_of_tomorrow_is_refused(store: Store, subject: Subject, clock: FakeClock) -> None:
    for ahead in (timedelta(minutes=3), timedelta(days=1)):
        with pytest.raises(StoreError, match="up to now"):
            store.self_reports.add(subject, "mood", total=3, at=clock() + ahead)
    assert store.self_reports.add(subject, "mood", total=3, at=clock() + timedelta(seconds=30)).total == 3


# What an earlier Mien kept.


def keep_as_before(store: Store, subject: Subject, scale: str, total: float) -> int:
    """Keep a total as an earlier Mien kept it: under whatever name, in whatever range."""
    with store.transaction() as session:
        row = SelfReportRow(
            subject_id=subject.id, at=store.now(), scale=scale, items=None, total=total, note=""
        )
        session.add(row)
        session.flush()
        return row.id


def test_mistyped_names_are_found_and_told_on_opening(
    store: Store, subject: Subject, store_url: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for scale, total in (("PHQ-9", 27), ("gad-7", 30), ("Mood", 7.5), ("phq8", 12), ("WHO-5", 12.5)):
        keep_as_before(store, subject, scale, total)
    store.self_reports.add(subject, "phq9", total=3)
    with Store(store_url, now=clock) as opened:
        found = opened.self_reports.mistyped()
    assert [(each.report.scale, each.meant, each.certain, each.fits) for each in found] == [
        ("PHQ-9", "phq9", True, True),
        ("gad-7", "gad7", True, False),
        ("Mood", "mood", True, True),
        ("phq8", "phq9", False, True),
    ]
    assert {each.code for each in found} == {"P-017"}
    (told,) = [each.getMessage() for each in caplog.records if each.name == "mien.store.store"]
    assert "4 self-reports" in told
    assert "PHQ-9" in told
    assert "mien self-report mistyped" in told


def test_a_record_without_them_opens_silently(
    store: Store, subject: Subject, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep_as_before(store, subject, "WHO-5", 12.5)
    store.self_reports.add(subject, "phq8", total=3, limits=(0, 24))
    Store(store_url).close()
    assert caplog.records == []


def test_a_mistyped_one_is_put_under_the_scale_that_was_meant(store: Store, subject: Subject) -> None:
    number = keep_as_before(store, subject, "PHQ-9", 27)
    wrong = keep_as_before(store, subject, "gad-7", 30)
    other = keep_as_before(store, subject, "phq8", 12)
    assert store.self_reports.repair(subject, number, "phq9").scale == "phq9"
    last = store.audit.entries()[-1]
    assert (last.action, last.details["was"], last.details["scale"]) == ("repair", "PHQ-9", "phq9")
    with pytest.raises(StoreError, match="from 0 to 21"):
        store.self_reports.repair(subject, wrong, "gad7")
    store.self_reports.repair(subject, other, "phq8", limits=(0, 24))
    assert [each.report.id for each in store.self_reports.mistyped()] == [wrong]
    with pytest.raises(StoreError, match="no self-report"):
        store.self_reports.repair(store.subjects.add("P-018"), wrong, "gad7")


@pytest.mark.parametrize(
    ("scale", "chosen", "said"),
    [
        ("phq9", {}, "its answers or its total"),
        ("phq9", {"items": [0] * 11}, "9 answers from 0 to 3"),
        ("phq9", {"items": [None] * 9}, "9 answers from 0 to 3"),
        ("phq9", {"items": [None] + [0] * 8, "total": 0}, "answers are missing"),
        ("phq9", {"total": 12.5}, "whole total"),
        ("mood", {"total": 7.5}, "whole total"),
        ("phq9", {"total": float("nan")}, "whole total"),
        ("mood", {}, "its total"),
        ("phq9", {"items": []}, "received none"),
        ("phq9", {"items": [4] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [-1] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [0.5] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [True] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [1] * 9, "total": 8}, "total of 9"),
        ("phq9", {"total": 28}, "from 0 to 27"),
        ("gad7", {"total": -1}, "from 0 to 21"),
        ("mood", {"total": 10.1}, "from 0 to 10"),
        ("mood", {"items": [5]}, "only its total"),
        ("madrs", {"items": [1], "limits": (0, 60)}, "only its total"),
        ("madrs", {"limits": (0, 60)}, "its total"),
        ("madrs", {"total": float("nan"), "limits": (0, 60)}, "from 0 to 60"),
        ("madrs", {"total": 61, "limits": (0, 60)}, "from 0 to 60"),
        ("madrs", {"total": 1, "limits": (60, 0)}, "low to high"),
        ("madrs", {"total": 1, "limits": (0, float("inf"))}, "low to high"),
        ("a scale", {"total": 1, "limits": (0, 60)}, "1 to 64"),
    ],
)
def test_what_does_not_fit_is_refused(
    store: Store, subject: Subject, scale: str, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        store.self_reports.add(subject, scale, **chosen)  # type: ignore[arg-type]
    assert store.self_reports.of(subject) == []


def test_they_are_found_by_scale_and_time(store: Store, subject: Subject, clock: FakeClock) -> None:
    day = timedelta(days=1)
    old = store.self_reports.add(subject, "mood", total=3, at=clock() - day)
    now = store.self_reports.add(subject, "mood", total=5)
    other = store.self_reports.add(subject, "gad7", total=5)
    store.self_reports.add(add_agreed(store, "P-018"), "mood", total=1)
    assert store.self_reports.of(subject) == [old, now, other]
    assert store.self_reports.of(subject, "mood") == [old, now]
    assert store.self_reports.of(subject, start=clock()) == [now, other]
    assert store.self_reports.of(subject, end=clock()) == [old]


def test_it_can_be_removed(store: Store, subject: Subject) -> None:
    added = store.self_reports.add(subject, "mood", total=3)
    store.self_reports.remove(subject, added.id)
    assert store.self_reports.of(subject) == []
    with pytest.raises(StoreError, match="no self-report"):
        store.self_reports.remove(subject, added.id)


def test_the_scales_are_as_their_papers_say() -> None:
    # PHQ-9: Kroenke, Spitzer and Williams 2001; GAD-7: Spitzer et al. 2006: both ask about two weeks
    assert {name: (each.items, each.highest_total, each.recall_days) for name, each in SCALES.items()} == {
        "mood": (0, 10, 0),
        "phq9": (9, 27, 14),
        "gad7": (7, 21, 14),
    }
