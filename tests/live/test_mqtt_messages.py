from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, get_args

import jinja2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import ConfigError
from mien.live.mqtt_messages import (
    Broker,
    check_prefix,
    differs,
    discovery,
    discovery_topics,
    slug,
    slugs,
    state_of,
)
from mien.live.status import State
from mqtt_broker import reading, status


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", Broker("broker", 1883)),
        ("mqtts://broker/", Broker("broker", 8883, tls=True)),
        ("MQTT://broker:1884", Broker("broker", 1884)),
        ("mqtt://[::1]:1884", Broker("::1", 1884)),
        ("mqtt://broker/home/hall/", Broker("broker", 1883, prefix="home/hall")),
        ("mqtt://anna@broker", Broker("broker", 1883, False, "anna")),
        ("mqtt://anna:a%40b%2F%23@broker", Broker("broker", 1883, False, "anna", "a@b/#")),
    ],
)
def test_addresses(url: str, expected: Broker) -> None:
    assert Broker.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hidden",
        "http://u:hidden@broker",
        "mqtt://",
        "mqtt://u:hidden@",
        "mqtt://:hidden@broker",
        "mqtt://u:hid/den@broker",
        "mqtt://u:hid#den@broker",
        "mqtt://u:hid?den@broker",
        "mqtt://broker:hidden",
        "mqtt://u:hidden@broker:65536",
        "mqtt://u:hidden@broker:0",
        "mqtt://u:hidden@broker/topic/#",
        "mqtt://u:hidden@broker/a//b",
        "mqtt://u:123/hidden@broker",
        "mqtt://u:hidden@[::1",
    ],
)
def test_wrong_addresses_are_named_without_their_secrets(url: str) -> None:
    with pytest.raises(ConfigError, match=r"expected mqtt://.*, received") as caught:
        Broker.parse(url)
    assert "hid" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(Broker.parse("mqtt://u:hidden@broker"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("camera:0", "camera_0"),
        ("Front door", "front_door"),
        ("Küche", "kuche"),
        ("a/b#c+d", "a_b_c_d"),
        ("台所", "source"),
        ("", "source"),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert slugs([name]) == {name: expected}


@given(st.lists(st.text(max_size=8), max_size=8, unique=True))
def test_slugs_are_safe_and_differ_in_any_order(names: list[str]) -> None:
    found = slugs(names)
    assert len(set(found.values())) == len(names)
    assert all(re.fullmatch("[a-z0-9_]+", each) for each in found.values())
    assert slugs(reversed(names)) == found


def test_names_of_one_slug_keep_their_ids() -> None:
    """The digits are SHA-256's of the names: at a restart in another order, the two cameras swapped ids."""
    assert slugs(["Front door", "Hall", "front-door"]) == {
        "Front door": "front_door_91b2db",
        "Hall": "hall",
        "front-door": "front_door_2939ad",
    }


@pytest.mark.parametrize("prefix", ["mien", "home/hall", "ward-3.b_2"])
def test_prefixes(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["", "/", "a/", "a//b", "a/+", "#", "a b", "a\n", "$SYS"])
def test_wrong_prefixes(prefix: str) -> None:
    with pytest.raises(ConfigError, match="MQTT prefix"):
        check_prefix(prefix)


def test_state_is_of_the_largest_face() -> None:
    shown = reading("a", faces=3, label="fear", sure=0.71234)
    assert state_of(status("a", coverage=0.87654), shown) == {
        "state": "running",
        "coverage": 0.877,
        "faces": 3,
        "expression": "fear",
        "confidence": 0.712,
        "valence": 0.5,
        "arousal": 0.25,
    }


def test_no_face_is_zero_and_not_known_is_null() -> None:
    nothing = dict.fromkeys(("expression", "confidence", "valence", "arousal"))
    away = status("a", state="away", coverage=None)
    assert state_of(status("a"), reading("a", faces=0)) == {
        "state": "running", "coverage": 0.9, "faces": 0, **nothing
    }  # fmt: skip
    assert state_of(away, reading("a")) == {"state": "away", "coverage": None, "faces": None, **nothing}
    assert state_of(status("a"), None)["faces"] is None


def test_a_face_that_is_not_read_yet_has_no_numbers() -> None:
    shown = reading("a")
    blank = shown.shown.fill(
        probabilities=np.full((1, 8), np.nan), expression=[-1], confidence=[np.nan], valence=[np.nan]
    )
    state = state_of(status("a"), replace(shown, faces=blank, shown=blank))
    assert (state["expression"], state["confidence"], state["valence"]) == ("uncertain", None, None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"confidence": 0.84}, False),
        ({"confidence": 0.86}, True),
        ({"valence": None}, True),
        ({"faces": 2}, True),
        ({"expression": "fear"}, True),
        ({"state": "away"}, True),
    ],
)
def test_what_counts_as_a_change(change: dict[str, Any], expected: bool) -> None:
    state = {"state": "running", "faces": 1, "expression": "anger", "confidence": 0.8, "valence": 0.1}
    assert differs(state, state | change) is expected
    assert differs(None, state)


# What Home Assistant's own code asks of a discovery topic, and of the payload of a sensor.
TOPIC = re.compile(r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/config")
KEYS = {
    "availability_topic", "state_topic", "expire_after", "device", "origin", "name", "icon", "device_class",
    "options", "value_template", "state_class", "unit_of_measurement", "suggested_display_precision",
    "entity_category", "unique_id",
}  # fmt: skip


def test_discovery_is_what_home_assistant_asks_for() -> None:
    entities = discovery("home/hall", "front_door", "Front door")
    assert len(entities) == 8
    assert set(entities) == set(discovery_topics("home/hall", "front_door").values())
    assert len({each["unique_id"] for each in entities.values()}) == len(entities)
    for topic, entity in entities.items():
        assert TOPIC.fullmatch(topic)
        assert set(entity) <= KEYS
        assert entity["state_topic"] == "home/hall/front_door/state"
        assert entity["availability_topic"] == "home/hall/status"
        assert entity["expire_after"] > 10
        assert entity["device"]["identifiers"] == ["home_hall_front_door"]
        assert entity["device"]["name"] == "Mien Front door"
        assert entity["origin"]["name"] == "Mien"
        if entity.get("device_class") == "enum":
            assert not entity.keys() & {"state_class", "unit_of_measurement"}


def test_a_name_that_is_no_text_can_be_sent_all_the_same() -> None:
    entity = next(iter(discovery("mien", slug("a\udcff\n"), "a\udcff\n").values()))
    assert json.dumps(entity, ensure_ascii=False).encode()
    assert entity["device"]["name"] == "Mien a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def rendered(state: dict[str, Any]) -> dict[str, str]:
    """What Home Assistant would take from a state, by entity; it reads "None" as unknown."""
    return {
        topic.split("/")[2].removeprefix("mien_a_"): jinja2.Template(entity["value_template"]).render(
            value_json=state
        )
        for topic, entity in discovery("mien", "a", "a").items()
    }


def test_templates_pick_the_state() -> None:
    values = rendered(state_of(status("a"), reading("a", label="fear", sure=0.71)))
    assert values | {"confidence": float(values["confidence"]), "coverage": float(values["coverage"])} == {
        "expression": "fear", "confidence": 71, "valence": "0.5", "arousal": "0.25", "faces": "1",
        "coverage": 90, "state": "running", "present": "ON",
    }  # fmt: skip
    assert rendered(state_of(status("a"), reading("a", faces=0)))["present"] == "OFF"


def test_what_is_not_known_is_none_for_home_assistant() -> None:
    values = rendered(state_of(status("a", state="away", coverage=None), None))
    assert values.pop("state") == "away"
    assert set(values.values()) == {"None"}


def test_every_word_is_an_option() -> None:
    options = {
        topic: set(entity["options"])
        for topic, entity in discovery("mien", "a", "a").items()
        if entity.get("device_class") == "enum"
    }
    assert options["homeassistant/sensor/mien_a_state/config"] == set(get_args(State))
    assert options["homeassistant/sensor/mien_a_expression/config"] >= {"happiness", "uncertain"}
