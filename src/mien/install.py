"""The command that installs what is missing, as it works from where the user is."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def install_command(what: str) -> str:
    """Return the command that installs packages into the environment that runs Mien.

    Args:
        what: as pip takes it, ready quoted.
    """
    return f"{_pip()} install {what}"


def extras_command(*extras: str) -> str:
    """Return the command that brings extras of Mien, from where this one came from: tree, wheel or index.

    Args:
        extras: their names; none for Mien itself, again.
    """
    wanted = f"[{','.join(extras)}]" if extras else ""
    where, editable = _origin()
    if where is None:
        return install_command(f'"mien{wanted}"')
    if where.suffix == ".whl":
        return install_command(f'"mien{wanted} @ {where.as_uri()}"')
    return install_command(f'{"-e " if editable else ""}"{where}{wanted}"')


def _pip() -> str:
    """The pip of this environment: a bare `pip` may be another one's where this one is not activated."""
    found = shutil.which("pip")
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f'"{sys.executable}" -m pip' if " " in sys.executable else f"{sys.executable} -m pip"


def _origin() -> tuple[Path | None, bool]:
    """Return the source tree or wheel that Mien came from, if it still exists; and if it runs in place.

    By PEP 610: an installer writes down where a package came from, unless that was an index.
    """
    source_tree = Path(__file__).parents[2]
    if (source_tree / "pyproject.toml").is_file():
        return source_tree, True
    try:
        told = json.loads(distribution("mien").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None, False
    address = urlsplit(told.get("url", ""))
    path = Path(url2pathname(address.path)) if address.scheme == "file" else None
    return (path if path is not None and path.exists() else None), False
