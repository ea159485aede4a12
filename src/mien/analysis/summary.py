"""The summary: what was read and what was not, by which models, settings and versions, in what time."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import mien
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.network import find_network
from mien.expression.seldom import recalls, seldom_words
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path
from mien.face.detect import DEFAULT
from mien.fetch import cached
from mien.files import sha256_of
from mien.labels import EMOTIONS
from mien.pipeline import STAGES, Tally
from mien.source import SourceReport
from mien.table import plain_name
from mien.types import Faces

SHARES: Final = "shares-1"
"""What is recorded: the shares of people, as `Faces.shares` has them."""


def describe_models(settings: Settings) -> dict[str, Any]:
    """Return names and hashes of the detector and the network; the detector is None for crops.

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
    """Return what recorded probabilities of this network mean, so that others are told from them.

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
            "measures, landmarks and pulse need a network that finds landmarks, received"
            f" {settings.network}, which finds none; choose another, such as --network mien"
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


_PACKAGES: Final = ("av", "mtcnn", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "scipy")
_COUNTS: Final = ("frames_read", "frames_analysed", "frames_with_face", "frames_dropped", "rows")


@dataclass
class Census:
    """Counts and means of the faces of one input.

    Attributes:
        rows: faces in all frames.
        tracks: the numbers of the faces that were followed.
        expressions: how many rows have each expression.
    """

    rows: int = 0
    tracks: set[int] = field(default_factory=set)
    expressions: Counter[str] = field(default_factory=Counter)
    _sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(EMOTIONS)))

    def count(self, faces: Faces) -> None:
        """Count the faces of one frame."""
        self.rows += len(faces)
        self.tracks.update(faces.track.tolist())
        self.expressions.update(faces.labels)
        self._sums += faces.probabilities.sum(axis=0, dtype=np.float64)

    @property
    def mean_probabilities(self) -> dict[str, float]:
        """The mean probability of each label over all rows, of those that the network has."""
        if not self.rows:
            return {}
        means = zip(EMOTIONS, (self._sums / self.rows).tolist(), strict=True)
        return {label: round(mean, 4) for label, mean in means if mean == mean}


def describe(task: Task, report: SourceReport, tally: Tally, census: Census) -> dict[str, Any]:
    """Return the record of one input, as it stands in the summary's `recordings`."""
    width, height = report.size_wh or (None, None)
    return {
        "source": task.name,
        "path": plain_name(task.where),
        "kind": task.kind,
        "stem": task.stem,
        "width": width,
        "height": height,
        "duration_s": _rounded(report.duration_s),
        "frame_rate_hz": _rounded(report.frame_rate_hz),
        "frames_read": report.frames_read,
        "frames_analysed": tally.frames,
        "frames_with_face": tally.frames_with_face,
        "frames_dropped": report.frames_dropped,
        "rows": census.rows,
        "tracks": len(census.tracks),
        "coverage": _rounded(tally.coverage),
        "expressions": dict(census.expressions.most_common()),
        "mean_probabilities": census.mean_probabilities,
        "note": report.note,
        "seconds": {stage: round(spent, 4) for stage, spent in tally.seconds.items()},
    }


def summarise(
    records: Sequence[dict[str, Any]],
    failures: Iterable[Failure],
    settings: Settings,
    models: dict[str, Any],
    wall_s: float,
    skipped: Sequence[Path] = (),
) -> dict[str, Any]:
    """Return the summary of a batch, ready for JSON.

    `coverage` is the mean over the recordings, weighted by analysed frames; None where nothing was read.
    """
    frames = sum(record["frames_analysed"] for record in records)
    covered = sum(record["coverage"] * record["frames_analysed"] for record in records)
    return {
        **{name: sum(record[name] for record in records) for name in _COUNTS},
        "coverage": _rounded(covered / frames) if frames else None,
        "seconds": {
            "wall": round(wall_s, 3),
            **{stage: round(sum(record["seconds"][stage] for record in records), 3) for stage in STAGES},
        },
        "recordings": list(records),
        "failed": [{"source": failure.source, "error": failure.error} for failure in failures],
        "skipped": [plain_name(str(path)) for path in skipped],
        "models": models,
        "seldom_found": seldom_found(settings),
        "settings": settings.model_dump(mode="json"),
        "versions": versions(),
    }


def seldom_found(settings: Settings) -> str:
    """Return how often the network finds contempt and fear, under the mix; "" where not measured."""
    sidecar = read_sidecar(sidecar_path(find_network(settings.network)))
    return seldom_words(recalls(sidecar, settings.prior))


def versions() -> dict[str, str | None]:
    """Return the versions of Mien, Python and the packages a result depends on; None for a missing one."""
    return {
        "mien": mien.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: installed_version(package) for package in _PACKAGES},
    }


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None where it isn't installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
