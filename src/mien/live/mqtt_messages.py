"""What is told over MQTT: to which broker, in which topics, a source's state, and Home Assistant's discovery.

Discovery is as Home Assistant's documentation of its MQTT integration has it: one retained message per entity
(`homeassistant/COMPONENT/ID/config`), whose `value_template` picks a value out of the state's JSON. A null
there comes out of a template as "None", which Home Assistant takes for "unknown".
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from mien import __version__
from mien.errors import ConfigError
from mien.labels import EMOTIONS, UNCERTAIN
from mien.live.reading import Reading
from mien.live.status import SignalStatus, SourceStatus, State
from mien.table import plain_name

if TYPE_CHECKING:  # it loads SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.types import SignalReading

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED: Final = "MQTT broker: expected mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS"
_PREFIX: Final = re.compile(r"[\w.-]+(/[\w.-]+)*")


@dataclass(frozen=True)
class Broker:
    """Where a broker is, who asks, and what topics begin with; the password shows in no `repr`."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str | None = None

    @classmethod
    def parse(cls, url: str) -> Broker:
        """Take an address apart.

        Args:
            url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS; what isn't a letter or
                digit in user and password is percent-encoded.

        Raises:
            ConfigError: it isn't such an address. The message doesn't repeat it, as it may hold a password.
        """
        parts, port = _split(url)
        if parts.scheme not in _PORTS:
            raise ConfigError(f"{_EXPECTED}, received another kind of address")
        prefix = parts.path.strip("/")
        if (prefix and not _PREFIX.fullmatch(prefix)) or not {"?", "#"}.isdisjoint(url):
            raise ConfigError(
                f"{_EXPECTED}, received something else after the host; in a password write / as %2F,"
                " # as %23, ? as %3F, @ as %40"
            )
        if not parts.hostname:
            raise ConfigError(f"{_EXPECTED}, received no host")
        if parts.password is not None and not parts.username:
            raise ConfigError(f"{_EXPECTED}, received a password without a user")
        return cls(
            parts.hostname,
            _PORTS[parts.scheme] if port is None else port,
            parts.scheme == "mqtts",
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password is not None else None,
            prefix or None,
        )

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Its message would repeat a part of the address, and with it perhaps of the password.
        raise ConfigError(f"{_EXPECTED}, received a port or host that can't be read") from None
    if port == 0:
        raise ConfigError(f"{_EXPECTED}, received port 0")
    return parts, port


def check_prefix(prefix: str) -> str:
    """Check what all topics begin with.

    Returns:
        The same prefix: one or more words with "/" between them.

    Raises:
        ConfigError: it is empty, or holds what a topic can't.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"MQTT prefix: expected words of letters, digits, '_', '-' and '.', with '/' between them,"
            f" received {prefix!r}"
        )
    return prefix


STATE_EVERY_S: Final = 10.0
"""A state that didn't change is told again this often, in seconds."""

_EXPIRES_S: Final = 3 * int(STATE_EVERY_S)
_SMALLEST_STEP: Final = 0.05
"""What a number has to move by to count as a change: confidence and coverage 0 to 1, the others -1 to 1."""
_DECIMALS: Final = 3

_VALUE = "{{{{ value_json.{} }}}}"
_PERCENT = "{{{{ (value_json.{0} * 100) | round if value_json.{0} is not none else none }}}}"
_PRESENT = "{{ none if value_json.faces is none else 'ON' if value_json.faces > 0 else 'OFF' }}"
_MEASURED = {"state_class": "measurement"}

ENTITIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("sensor", "expression"): {
        "name": "Expression",
        "icon": "mdi:emoticon-outline",
        "device_class": "enum",
        "options": [*EMOTIONS, UNCERTAIN],
        "value_template": _VALUE.format("expression"),
    },
    ("sensor", "confidence"): {
        "name": "Confidence",
        "icon": "mdi:percent-outline",
        "unit_of_measurement": "%",
        "value_template": _PERCENT.format("confidence"),
        **_MEASURED,
    },
    ("sensor", "valence"): {
        "name": "Valence",
        "icon": "mdi:emoticon-happy-outline",
        "suggested_display_precision": 2,
        "value_template": _VALUE.format("valence"),
        **_MEASURED,
    },
    ("sensor", "arousal"): {
        "name": "Arousal",
        "icon": "mdi:pulse",
        "suggested_display_precision": 2,
        "value_template": _VALUE.format("arousal"),
        **_MEASURED,
    },
    ("sensor", "faces"): {
        "name": "Faces",
        "icon": "mdi:account-multiple-outline",
        "value_template": _VALUE.format("faces"),
        **_MEASURED,
    },
    ("sensor", "coverage"): {
        "name": "Coverage",
        "icon": "mdi:chart-donut",
        "entity_category": "diagnostic",
        "unit_of_measurement": "%",
        "value_template": _PERCENT.format("coverage"),
        **_MEASURED,
    },
    ("sensor", "state"): {
        "name": "Source",
        "icon": "mdi:video-outline",
        "entity_category": "diagnostic",
        "device_class": "enum",
        "options": list(get_args(State)),
        "value_template": _VALUE.format("state"),
    },
    ("binary_sensor", "present"): {
        "name": "Face present",
        "device_class": "occupancy",
        "value_template": _PRESENT,
    },
}
"""What Home Assistant shows of each source: component and key, and what stands in the discovery message."""

SENSOR_ENTITIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("sensor", "heart_rate"): {
        "name": "Heart rate",
        "icon": "mdi:heart-pulse",
        "unit_of_measurement": "bpm",
        "suggested_display_precision": 0,
        "value_template": _VALUE.format("heart_rate"),
        **_MEASURED,
    },
    ("sensor", "skin_level"): {
        "name": "Skin conductance",
        "icon": "mdi:hand-water",
        "unit_of_measurement": "µS",
        "suggested_display_precision": 2,
        "value_template": _VALUE.format("skin_level"),
        **_MEASURED,
    },
    ("sensor", "body_arousal"): {
        "name": "Body arousal",
        "icon": "mdi:pulse",
        "suggested_display_precision": 2,
        "value_template": _VALUE.format("body_arousal"),
        **_MEASURED,
    },
    ("sensor", "state"): {
        "name": "Sensor",
        "icon": "mdi:access-point",
        "entity_category": "diagnostic",
        "device_class": "enum",
        "options": list(get_args(State)),
        "value_template": _VALUE.format("state"),
    },
}
"""The same of each sensor of the body."""


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Make the names of several sources fit in topics and in Home Assistant's ids.

    Those that would share a slug each get a few digits made from their own name: which source came first does
    not matter, and Home Assistant's history stays with its camera.

    Args:
        names: of all sources, in any order.

    Returns:
        A slug for each, no two alike: "front_door"; or "front_door_1f3a9c" and "front_door_77b0e2" for "Front
        door" and "front-door".
    """
    plain = {name: slug(name) for name in names}
    often = Counter(plain.values())
    return {
        name: each
        if often[each] == 1
        else f"{each}_{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
        for name, each in plain.items()
    }


def slug(name: str) -> str:
    """Make a name that fits in a topic and in Home Assistant's ids: lower case, digits and "_" only.

    Args:
        name: any name, "Front door" or "camera:0".

    Returns:
        "front_door"; other names may give the same.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "_", plain).strip("_") or "source"


def state_of(status: SourceStatus, reading: Reading | None) -> dict[str, Any]:
    """Return in a few words what a source shows: its largest face, smoothed as on the page.

    Args:
        status: how the source is.
        reading: its newest reading, if there is one.

    Returns:
        `state`, `coverage`, `faces` (how many), and `expression`, `confidence`, `valence` and `arousal` of
        the largest face; None for what is not known, which is all of it unless the source is running.
    """
    state: dict[str, Any] = {"state": status.state, "coverage": _rounded(status.coverage)}
    state |= dict.fromkeys(("faces", "expression", "confidence", "valence", "arousal"))
    if reading is None or status.state != "running":
        return state
    shown = reading.shown
    state["faces"] = len(shown)
    if len(shown):
        largest = int(shown.size_wh.prod(axis=1).argmax())
        state["expression"] = shown.labels[largest]
        for name in ("confidence", "valence", "arousal"):
            state[name] = _rounded(float(getattr(shown, name)[largest]))
    return state


def sensor_state_of(status: SignalStatus, reading: SignalReading | None) -> dict[str, Any]:
    """Return in a few words what a sensor says.

    Args:
        status: how the sensor is.
        reading: its newest reading, if there is one.

    Returns:
        `state`, and of the newest seconds `heart_rate`, or that of the face's pulse, and `skin_level`, and
        `body_arousal` of the newest minute; None for what is not known, which is all of it unless the sensor
        is running.
    """
    state: dict[str, Any] = {"state": status.state}
    state |= dict.fromkeys(("heart_rate", "skin_level", "body_arousal"))
    if reading is None or status.state != "running":
        return state
    for figure in sorted(reading.now, key=lambda each: each.quality):
        name = "heart_rate" if figure.measure == "face_pulse" else figure.measure
        if name in state and figure.value is not None:
            state[name] = _rounded(figure.value)
    if reading.arousal is not None:
        state["body_arousal"] = _rounded(reading.arousal.value)
    return state


def differs(old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    """Return whether a state is worth telling: a word, the number of faces, or a number by 0.05 and more."""
    return old is None or any(_moved(old[name], value) for name, value in new.items())


def discovery(prefix: str, source_slug: str, name: str, *, sensor: bool = False) -> dict[str, dict[str, Any]]:
    """Describe a source or a sensor to Home Assistant: one device with several entities.

    Args:
        prefix: what this Mien's topics begin with; it keeps two of them on one broker apart.
        source_slug: the source's name as it stands in topics.
        name: the source's name as people see it.
        sensor: whether it is a sensor of the body.

    Returns:
        What to tell, by topic.
    """
    device_id = f"{slug(prefix)}_{source_slug}"
    shared = {
        "availability_topic": f"{prefix}/status",
        "state_topic": f"{prefix}/{source_slug}/state",
        "expire_after": _EXPIRES_S,
        "device": {
            "identifiers": [device_id],
            "name": f"Mien {plain_name(name)}",
            "manufacturer": "Mien",
            "model": "Signals of the body" if sensor else "Facial expressions",
            "sw_version": __version__,
        },
        "origin": {"name": "Mien", "sw_version": __version__},
    }
    return {
        topic: {**shared, **_entities(sensor)[entity], "unique_id": f"{device_id}_{entity[1]}"}
        for entity, topic in discovery_topics(prefix, source_slug, sensor=sensor).items()
    }


def discovery_topics(prefix: str, source_slug: str, *, sensor: bool = False) -> dict[tuple[str, str], str]:
    """Return the topics that describe a source, by entity; an empty message there takes the entity away."""
    device_id = f"{slug(prefix)}_{source_slug}"
    return {
        (component, key): f"homeassistant/{component}/{device_id}_{key}/config"
        for component, key in _entities(sensor)
    }


def _entities(sensor: bool) -> dict[tuple[str, str], dict[str, Any]]:
    return SENSOR_ENTITIES if sensor else ENTITIES


def _moved(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return abs(new - old) >= _SMALLEST_STEP
    return bool(old != new)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), _DECIMALS) + 0.0
