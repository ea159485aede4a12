"""What other programs are told of venues: closed cells of at least k, and how the stations are doing.

It is the figures of a cell, and not its sums: the mix of expressions, which needs many visits, stands in the
reports. Discovery is as Home Assistant has it; see `live.mqtt_messages`.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, Final, get_args

from mien import __version__
from mien.live.mqtt_messages import slug
from mien.places.station import StationState
from mien.places.visits import SMILE_FALSE, SMILE_FOUND
from mien.store.venue_types import AnswerCell, VisitCell

_MEASURED: Final = {"state_class": "measurement"}
_VALUE: Final = "{{{{ value_json.{} }}}}"
_PERCENT: Final = "{{{{ (value_json.{0} * 100) | round if value_json.{0} is not none else none }}}}"

ENTITIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("visits", "visits"): {"name": "Visits", "icon": "mdi:account-group-outline", **_MEASURED},
    ("visits", "smiling"): {
        "name": "Smiling", "icon": "mdi:emoticon-happy-outline", "unit_of_measurement": "%", **_MEASURED,
    },
    ("visits", "valence"): {"name": "Valence", "suggested_display_precision": 2, **_MEASURED},
    ("visits", "change"): {
        "name": "Change from arrival to leaving", "suggested_display_precision": 2, **_MEASURED,
    },
    ("visits", "length_s"): {
        "name": "Length of visits", "device_class": "duration", "unit_of_measurement": "s", **_MEASURED,
    },
    ("visits", "coverage"): {
        "name": "Coverage", "entity_category": "diagnostic", "unit_of_measurement": "%", **_MEASURED,
    },
    ("visits", "end"): {"name": "Counted until", "device_class": "timestamp"},
    ("answers", "answers"): {"name": "Answers at the kiosk", "icon": "mdi:gesture-tap", **_MEASURED},
    ("answers", "mean"): {"name": "Mean answer, 1 to 5", "suggested_display_precision": 2, **_MEASURED},
    ("state", "state"): {
        "name": "Station", "device_class": "enum", "entity_category": "diagnostic",
        "options": list(get_args(StationState)),
    },
}  # fmt: skip
"""What Home Assistant shows of a station: by the message that tells it and its name there."""

_SHARES: Final = ("smiling", "coverage")


def told(cell: VisitCell | AnswerCell) -> dict[str, Any]:
    """Return what other programs are told of a closed cell, ready for JSON."""
    shared = {
        "venue": cell.venue,
        "station": cell.station,
        "start": _utc(cell.start),
        "end": _utc(cell.end),
    }
    if isinstance(cell, AnswerCell):
        count = sum(cell.counts)
        mean = sum(place * each for place, each in enumerate(cell.counts, start=1)) / count
        return shared | {"answers": count, "counts": list(cell.counts), "mean": round(mean, 2)}
    return shared | {
        "visits": cell.visits,
        "smiling": round(_smiling(cell), 3),
        "valence": round(cell.valence / cell.visits, 3),
        "change": round(cell.change / cell.visits, 3),
        "length_s": round(cell.length_s / cell.visits, 1),
        "coverage": round(1 - cell.blind_s / cell.open_s, 3) if cell.open_s else None,
    }


def kind_of(cell: VisitCell | AnswerCell) -> str:
    """Return which message tells of a cell: "visits" or "answers"."""
    return "answers" if isinstance(cell, AnswerCell) else "visits"


def _smiling(cell: VisitCell) -> float:
    """The share of visits with a smile, less those found wrongly and with those overlooked."""
    share = (cell.smiles / cell.visits - SMILE_FALSE) / (SMILE_FOUND - SMILE_FALSE)
    return min(max(share, 0.0), 1.0)


def discovery(prefix: str, venue: str, station: str) -> dict[str, dict[str, Any]]:
    """Describe a station to Home Assistant: one device with several sensors.

    Args:
        prefix: what this Mien's topics begin with.
        venue: where the station is.
        station: its name.

    Returns:
        What to tell, by topic.
    """
    device_id = f"{slug(prefix)}_{slug(venue)}_{slug(station)}"
    shared = {
        "availability_topic": f"{prefix}/status",
        "device": {
            "identifiers": [device_id],
            "name": f"Mien {venue} {station}",
            "manufacturer": "Mien",
            "model": "Visitors' expressions, in groups",
            "sw_version": __version__,
        },
        "origin": {"name": "Mien", "sw_version": __version__},
    }
    return {
        f"homeassistant/sensor/{device_id}_{name}/config": {
            **shared,
            **entity,
            "state_topic": f"{prefix}/{venue}/{station}/{message}",
            "value_template": (_PERCENT if name in _SHARES else _VALUE).format(name),
            "unique_id": f"{device_id}_{name}",
        }
        for (message, name), entity in ENTITIES.items()
    }


def _utc(at: Any) -> str:
    return str(at.astimezone(UTC).isoformat().replace("+00:00", "Z"))
