"""Optional models: fetched once, by name, from their official address, and checked against a known SHA-256.

Nothing here runs unless somebody asks for a model; nothing is ever fetched silently.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mien.errors import ConfigError, ModelError
from mien.files import sha256_of, written_whole
from mien.folders import home

TIMEOUT_S: Final = 30.0
"""How long a silent server is waited for."""

_PIECE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class OptionalModel:
    """A model that Mien can use but does not bring along.

    Attributes:
        name: what it is called in commands.
        file: its file's name in the cache folder.
        url: its official address.
        sha256: of the file, 64 hexadecimal digits.
        size: of the file, in bytes.
        licence: its terms.
        purpose: what it is for, in one line.
    """

    name: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    purpose: str


_YUNET = OptionalModel(
    name="yunet",
    file="face_detection_yunet_2023mar.onnx",
    url="https://media.githubusercontent.com/media/opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98"
    "/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    size=232_589,
    licence="MIT (Shiqi Yu, Yuantao Feng; OpenCV Zoo)",
    purpose="face detector: --detector yunet",
)

OPTIONAL_MODELS: Final = MappingProxyType({model.name: model for model in (_YUNET,)})
"""All models that `fetch` knows, by name."""


def cache_folder() -> Path:
    """Return the folder for fetched models, which need not exist yet.

    `MIEN_CACHE` names it; otherwise it is where the system keeps such files: `$XDG_CACHE_HOME/mien` or
    `~/.cache/mien`, on macOS `~/Library/Caches/mien`, on Windows `%LOCALAPPDATA%/mien/Cache`.
    """
    if chosen := os.environ.get("MIEN_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or home("MIEN_CACHE") / "AppData" / "Local")
            / "mien"
            / "Cache"
        )
    if sys.platform == "darwin":
        return home("MIEN_CACHE") / "Library" / "Caches" / "mien"
    return Path(os.environ.get("XDG_CACHE_HOME") or home("MIEN_CACHE") / ".cache") / "mien"


def cached(name: str) -> Path | None:
    """Return the file of a fetched model, if it is there and whole.

    Raises:
        ModelError: there is no model of this name.
    """
    model = _known(name)
    try:
        path = cache_folder() / model.file
    except ConfigError:  # there is no such folder, and nothing in it
        return None
    return path if path.is_file() and sha256_of(path) == model.sha256 else None


def fetch(name: str, *, url: str | None = None, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch a model into the cache folder, unless it is there already.

    It is written under a temporary name and moved into place when its SHA-256 is right.

    Args:
        name: one of `OPTIONAL_MODELS`.
        url: another address with the same file, such as a mirror.
        progress: called with the bytes received so far, and the bytes in all.

    Returns:
        The model's file.

    Raises:
        ModelError: the name is unknown, the address can't be reached, or what came is not the file.
        ConfigError: nobody knows where the cache folder is; says which setting names it.
        OutputError: the cache folder can't be written, or the disk is full.
    """
    model = _known(name)
    if path := cached(name):
        return path
    path = cache_folder() / model.file
    with written_whole(path) as temporary, _opened(url or model.url, path) as response:
        _copy(response, temporary, model, progress or (lambda received, total: None))
    return path


def _known(name: str) -> OptionalModel:
    if name not in OPTIONAL_MODELS:
        known = ", ".join(OPTIONAL_MODELS)
        raise ModelError(f"expected the name of an optional model ({known}), received {name!r}")
    return OPTIONAL_MODELS[name]


def _opened(url: str, path: Path) -> http.client.HTTPResponse:
    """Ask for the file; the remedy for whoever has no network is to bring it there by hand."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "mien"})
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise ModelError(f"{url} answers {error.code} {error.reason}; or bring the file to {path}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ModelError(f"cannot reach {url} ({reason}): try again, or bring the file to {path}") from error
    return response


def _copy(
    response: http.client.HTTPResponse,
    path: Path,
    model: OptionalModel,
    progress: Callable[[int, int], None],
) -> None:
    """Copy what comes, up to the size that is known, and check it."""
    digest, received = hashlib.sha256(), 0
    with path.open("wb") as file:
        while received <= model.size and (piece := _piece(response, model)):
            file.write(piece)
            digest.update(piece)
            received += len(piece)
            progress(min(received, model.size), model.size)
    if received < model.size:
        raise ModelError(
            f"{model.name}: the connection ended after {received} of {model.size} bytes; try again"
        )
    if received > model.size or digest.hexdigest() != model.sha256:
        raise ModelError(
            f"{model.name}: received a different file, which was not kept: expected {model.size} bytes"
            " with SHA-256 "
            f"{model.sha256[:12]}..., received {received} with {digest.hexdigest()[:12]}..."
        )


def _piece(response: http.client.HTTPResponse, model: OptionalModel) -> bytes:
    """Read the next bytes; a network's error must not be taken for one of the disk."""
    try:
        return response.read(_PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(f"{model.name}: the connection was lost ({error}); try again") from error
