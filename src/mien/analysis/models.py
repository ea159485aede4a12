"""Which models a batch uses, by name and hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.face.detect import DEFAULT
from mien.fetch import cached
from mien.files import sha256_of


def describe_models(settings: Settings) -> dict[str, Any]:
    """Give names and hashes of the detector and the network; the detector is None for crops.

    Raises:
        ModelError: the network's file or its sidecar is missing.
    """
    sidecar = read_sidecar(sidecar_path(find_network(settings.network)))
    return {
        "detector": None if settings.crops else _describe_detector(settings),
        "network": {"name": sidecar.name, "sha256": sidecar.sha256, "labels": list(sidecar.labels)},
    }


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
