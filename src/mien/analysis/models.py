"""Which models a batch uses, by name and hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.network import find_network
from mien.expression.seldom import recalls
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path
from mien.face.detect import DEFAULT
from mien.fetch import cached
from mien.files import sha256_of

SHARES: Final = "shares-1"
"""What is recorded: the shares of people, as `Faces.shares` has them."""


def describe_models(settings: Settings) -> dict[str, Any]:
    """Give names and hashes of the detector and the network; the detector is None for crops.

    Raises:
        ModelError: the network's file or its sidecar is missing.
    """
    sidecar = read_sidecar(sidecar_path(find_network(settings.network)))
    return {
        "detector": None if settings.crops else _describe_detector(settings),
        "network": {
            "name": sidecar.name,
            "sha256": sidecar.sha256,
            "labels": list(sidecar.labels),
            "readings": readings_of(sidecar),
            "recall": recalls(sidecar, "photographs"),
        },
    }


def readings_of(sidecar: Sidecar) -> str:
    """Say what recorded probabilities of this network mean, so that others are told from them.

    They are the shares of people who would choose each label ("shares-1"), with a hash of all that makes
    shares of logits: the same network, calibrated anew, gives other readings. Recordings without this were
    made when probabilities sharpened for the label were stored.
    """
    decision = sidecar.decision
    if decision is None:
        plain = {"temperature", "bias", "mix", "certainty", "uncertain_below"}
        numbers = sidecar.model_dump(mode="json", include=plain)
    else:
        of_shares = {"shares_temperature", "shares_bias", "shares_certainty"}
        numbers = decision.model_dump(mode="json", include=of_shares)
    digest = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()
    return f"{SHARES} {digest[:8]}"


def check_landmarks(settings: Settings) -> None:
    """Make sure that the network finds landmarks.

    Raises:
        ConfigError: it doesn't.
        ModelError: its file or its sidecar is missing.
    """
    if not read_sidecar(sidecar_path(find_network(settings.network))).finds_landmarks:
        raise ConfigError(
            f"measures and landmarks need a network that finds landmarks, received {settings.network}, which"
            " finds none; choose another, such as --network mien"
        )


def _describe_detector(settings: Settings) -> dict[str, Any]:
    name = DEFAULT if settings.detector == "auto" else settings.detector
    return {"name": name, "sha256": _hashes(name, settings)}


def _hashes(name: str, settings: Settings) -> dict[str, str]:
    if name == "mtcnn":
        from mien.face.detect.mtcnn_weights import SHA256

        return dict(SHA256)
    if name == "haar":
        import cv2

        from mien.face.detect.haar import CASCADE

        return {CASCADE: sha256_of(Path(cv2.__file__).parent / "data" / CASCADE)}
    path = settings.detector_model or cached("yunet")
    return {path.name: sha256_of(path)} if path else {}
