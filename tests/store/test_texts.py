"""Texts and settings."""

from __future__ import annotations

import pytest

from mien.errors import StoreError
from mien.store.schema import TextRow
from mien.store.store import Store
from mien.store.texts import DEFAULTS


def test_a_text_is_the_default_until_it_is_changed(store: Store) -> None:
    assert "112" in store.texts.get("phq9_safety")
    assert store.texts.get("crisis") == store.texts.get("report_footer") == ""
    store.texts.set("crisis", " Call the ward: 1234 ")
    assert store.texts.get("crisis") == "Call the ward: 1234"
    store.texts.set("crisis", "")
    assert store.texts.get("crisis") == ""


def test_the_safety_text_cannot_be_left_blank(store: Store) -> None:
    for blank in ("", "  \n", "\u200b", "\u00ad\u2060", "\u3164 \u2800", "\u0301"):
        with pytest.raises(StoreError, match="expected a text"):
            store.texts.set("phq9_safety", blank)
    assert store.texts.get("phq9_safety") == DEFAULTS["phq9_safety"]


def test_a_safety_text_with_nothing_to_read_is_the_default(store: Store) -> None:
    """An earlier Mien took one of characters without width."""
    with store.transaction() as session:
        session.add(TextRow(name="phq9_safety", value="\u200b"))
    assert store.texts.get("phq9_safety") == DEFAULTS["phq9_safety"]


def test_there_are_no_other_texts(store: Store) -> None:
    with pytest.raises(StoreError, match="expected phq9_safety"):
        store.texts.get("motto")
    with pytest.raises(StoreError, match="expected phq9_safety"):
        store.texts.set("motto", "x")


def test_a_setting_is_none_until_it_is_chosen(store: Store) -> None:
    assert store.texts.setting("false_alarm_days") is None
    store.texts.set_setting("false_alarm_days", 365)
    assert store.texts.setting("false_alarm_days") == 365
    store.texts.set_setting("false_alarm_days", None)
    assert store.texts.setting("false_alarm_days") is None
    store.texts.set_setting("stations", {"one": ["a", 1.5, None]})
    assert store.texts.setting("stations") == {"one": ["a", 1.5, None]}


@pytest.mark.parametrize("days", [0, -1, "30", True, float("inf"), float("nan")])
def test_days_between_false_alarms_are_above_none(store: Store, days: object) -> None:
    with pytest.raises(StoreError, match="above 0"):
        store.texts.set_setting("false_alarm_days", days)


@pytest.mark.parametrize("value", [object(), float("nan"), {"a": {1, 2}}])
def test_a_setting_has_to_fit_json(store: Store, value: object) -> None:
    with pytest.raises(StoreError, match="for JSON"):
        store.texts.set_setting("x", value)


def test_a_setting_and_a_text_of_the_same_name_are_two(store: Store) -> None:
    store.texts.set_setting("crisis", 5)
    assert store.texts.get("crisis") == ""


def test_changes_are_logged(store: Store) -> None:
    store.texts.set("crisis", "x")
    (line,) = store.audit.entries()
    assert list(line.details.pop("rows")) == ["texts/crisis"]
    assert (line.action, line.details) == ("text", {"name": "crisis"})
