"""`mien doctor`: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

import mien
from mien.analysis.summary import installed_version
from mien.config import load_settings
from mien.errors import MienError
from mien.expression.network import built_in_networks, load_network
from mien.face.detect import DETECTORS, make_detector
from mien.install import extras_command

PACKAGES = (
    "alembic", "av", "joblib", "lz4", "matplotlib", "mtcnn", "numpy", "onnx", "onnxruntime",
    "opencv-python-headless", "pandas", "pillow", "pyarrow", "pydantic", "pydantic-settings",
    "rich", "scipy", "sqlalchemy", "typer",
)  # fmt: skip
"""What Mien can't do without."""

EXTRAS = {
    "web": ("fastapi", "jinja2", "uvicorn", "argon2-cffi"),
    "mqtt": ("paho-mqtt",),
    "record": ("typst", "fhir.resources", "ruptures"),
    "postgres": ("psycopg", "cryptography"),
    "encrypted": ("sqlcipher3",),
    "privacy": ("opendp",),
    "heic": ("pillow-heif",),
    "signals": ("neurokit2", "wfdb", "edfio", "pyxdf", "mne", "pylsl", "brainflow", "bleak"),
    "study": ("statsmodels",),
    "tables": ("xlsxwriter", "pyreadstat", "pympi-ling"),
    "videos": ("hmmlearn", "scikit-learn"),
    "ray": ("ray", "fsspec", "s3fs"),
}
"""What each extra brings that Mien itself asks for."""

USES = {
    "web": "the page of mien live",
    "mqtt": "mien live --mqtt",
    "record": "reports as PDF, changes, FHIR",
    "postgres": "a record on PostgreSQL",
    "encrypted": "an encrypted record",
    "privacy": "a venue's figures with differential privacy",
    "heic": "photographs from iPhones",
    "signals": "mien signals, sensors beside a camera",
    "study": "mien study compare",
    "tables": "mien convert, for Excel, SPSS, Stata and ELAN",
    "videos": "mien cohort, mien infant",
    "ray": "mien corpus on a cluster, and in object stores",
}
"""What each extra is for."""

TRAINING = ("keras", "scikit-learn")
BACKENDS = ("tensorflow-cpu", "tensorflow", "torch")
"""What Keras runs on: one of these is enough."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        kind: what sort of thing.
        name: which one.
        state: "ok", or "missing", or "optional" for what is missing but not needed.
        detail: its version or what was found, or else how to get it.
    """

    kind: Literal["package", "extra", "network", "detector", "training", "camera"]
    name: str
    state: Literal["ok", "missing", "optional"]
    detail: str


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check what is installed, what is missing and how to get it.

    Checks packages, networks, detectors and cameras. Exits with 1 if something that Mien needs is missing.
    The last line is the one command that installs the missing packages.

    Example: mien doctor
    """
    checks = [*_packages(), *_extras(), *_networks(), *_detectors(), *_training(), *_cameras()]
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        about = {
            "mien": mien.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
        }
        found = {"healthy": healthy, "remedy": _remedy(checks), "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(about | found, indent=2))
    else:
        _print(checks, healthy)
    if not healthy:
        raise typer.Exit(1)


def _print(checks: list[Check], healthy: bool) -> None:
    typer.echo(f"mien {mien.__version__}, Python {platform.python_version()}, {platform.platform()}")
    for check in checks:
        typer.echo(f"{check.state:9} {check.kind:9} {check.name:23} {check.detail}")
    typer.echo("Everything that is needed is installed." if healthy else "Something is missing; see above.")
    if (remedy := _remedy(checks)) is not None:
        needed = any(check.kind == "package" and check.state == "missing" for check in checks)
        typer.echo(f"To install {'what is missing' if needed else 'the extras'}: {remedy}")


def _remedy(checks: list[Check]) -> str | None:
    """Return the command that brings all missing packages, but not those of training, which are large."""
    lacking = {check.name for check in checks if check.kind in ("package", "extra") and check.state != "ok"}
    extras = [extra for extra, names in EXTRAS.items() if lacking & set(names)]
    return extras_command(*extras) if lacking else None


def _packages() -> list[Check]:
    return [_package("package", name, "missing", extras_command()) for name in PACKAGES]


def _extras() -> list[Check]:
    return [
        _package("extra", name, "optional", f"{USES[extra]}: {extras_command(extra)}")
        for extra, names in EXTRAS.items()
        for name in names
    ]


def _training() -> list[Check]:
    checks = [_package("training", name, "optional", extras_command("train")) for name in TRAINING]
    backends = [_package("training", name, "optional", "") for name in BACKENDS]
    found = [check for check in backends if check.state == "ok"]
    return [*checks, *(found or [Check("training", "tensorflow", "optional", extras_command("train"))])]


def _package(
    kind: Literal["package", "extra", "training"],
    name: str,
    otherwise: Literal["missing", "optional"],
    remedy: str,
) -> Check:
    found = installed_version(name)
    return Check(kind, name, "ok", found) if found else Check(kind, name, otherwise, remedy)


def _networks() -> list[Check]:
    checks = []
    for name in built_in_networks():
        try:
            sha256 = load_network(name).sidecar.sha256
        except MienError as error:
            checks.append(Check("network", name, "missing", str(error)))
        else:
            checks.append(Check("network", name, "ok", f"built in, SHA-256 {sha256[:12]}... is right"))
    return checks or [Check("network", "-", "missing", "this package has no network; reinstall it")]


def _detectors() -> list[Check]:
    checks = []
    for name in DETECTORS:
        try:
            make_detector(load_settings(detector=name)).close()
        except MienError as error:
            checks.append(Check("detector", name, "optional" if name == "yunet" else "missing", str(error)))
        else:
            checks.append(Check("detector", name, "ok", "works"))
    return checks


def _cameras() -> list[Check]:
    # Linux tells their names; elsewhere a camera has to be opened, which lights it up and may ask for leave.
    if sys.platform != "linux":
        return [Check("camera", "-", "optional", "not checked on this system")]
    names = sorted(Path("/sys/class/video4linux").glob("video*/name"))
    if not names:
        return [Check("camera", "-", "optional", "none found")]
    return [
        Check("camera", path.parent.name, "ok", path.read_text(encoding="utf-8", errors="replace").strip())
        for path in names
    ]
