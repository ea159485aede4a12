"""What stations work with: the camera of each; the network, clocks and settings that all of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.network import Network
from mien.face.detect import Detector
from mien.live.inputs import PORTRAIT, LiveInput, find_live_inputs
from mien.live.session import SharedNetwork
from mien.pipeline import Pipeline
from mien.places.quantification import Quantifier
from mien.places.visits import REDETECT_S
from mien.source import Source, kind_of, open_live
from mien.store.venue_types import SIMULATED, Station

PATIENCE_S: Final = 5.0
"""A camera that gives no frame for longer has stalled."""

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


def now() -> datetime:
    """Return the moment by the machine's clock."""
    return datetime.now(UTC)


def camera_of(station: Station) -> LiveInput | None:
    """Return where a station's frames come from; None where it has no camera, but a kiosk.

    Raises:
        ConfigError: it is a photograph, or the portrait, in which nobody comes or goes.
        SourceError: it can't be.
    """
    if not station.source or station.source == SIMULATED:
        return None
    (found,) = find_live_inputs([station.source], [station.name])
    if found.kind == "file" and kind_of(Path(found.where)) == "photograph":
        raise ConfigError(f"{found.shown} is a photograph: a station needs a camera, a stream or a film")
    if found.kind == PORTRAIT:
        raise ConfigError(
            "portrait: nobody comes or goes in it; a station needs a camera, a stream or a film"
        )
    return found


def open_camera(camera: LiveInput, settings: Settings) -> Source:
    """Open a station's camera."""
    return open_live(camera.where, name=camera.name, fps=settings.fps)


@dataclass(frozen=True, eq=False)
class Equipment:
    """What all stations of a program share.

    Attributes:
        settings: what to find and with which networks.
        network: reads expressions for all of them; calibrated for counting.
        opened: opens a camera.
        detector: makes a detector for a station, instead of the one that the settings name.
        clock: gives seconds that never run backwards.
        wall: gives the moment, aware.
        zone: in which stations open and days end; None for the machine's.
        patience_s, pauses_s: see `live.supervisor.Supervisor`.

    Raises:
        ModelError: the network was not calibrated for counting.
    """

    settings: Settings
    network: Network
    opened: Callable[[LiveInput, Settings], Source] = open_camera
    detector: Callable[[], Detector] | None = None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = now
    zone: tzinfo | None = None
    patience_s: float = PATIENCE_S
    pauses_s: Sequence[float] = PAUSES_S
    quantifier: Quantifier = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantifier", Quantifier(self.network.sidecar))
        if not isinstance(self.network, SharedNetwork):
            object.__setattr__(self, "network", SharedNetwork(self.network))

    @property
    def network_name(self) -> str:
        """Name and hash of the network, as cells have it."""
        return self.quantifier.network

    def soon(self) -> datetime:
        """Return up to when cells are believed: the clock was wrong when later ones were made."""
        return self.wall() + timedelta(days=1)

    def pipeline(self) -> Pipeline:
        """Make the stages of one station."""
        soon = min(self.settings.redetect_s, REDETECT_S)
        return Pipeline(
            self.settings.model_copy(update={"redetect_s": soon}),
            detector=self.detector() if self.detector else None,
            network=self.network,
        )
