"""The folders that Mien keeps things in, where the system has such things."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def config_folder() -> Path:
    """Give the folder for what the user has chosen, which need not exist yet.

    `MIEN_CONFIG` names it; otherwise it is where the system keeps such files: `$XDG_CONFIG_HOME/mien` or
    `~/.config/mien`, on macOS `~/Library/Application Support/mien`, on Windows `%APPDATA%/mien`.
    """
    return _folder("MIEN_CONFIG", "XDG_CONFIG_HOME", ".config", "APPDATA", "Roaming")


def data_folder() -> Path:
    """Give the folder for what is recorded, which need not exist yet.

    `MIEN_DATA` names it; otherwise it is where the system keeps such files: `$XDG_DATA_HOME/mien` or
    `~/.local/share/mien`, on macOS `~/Library/Application Support/mien`, on Windows `%LOCALAPPDATA%/mien`
    (which isn't carried from one computer to the next).
    """
    return _folder("MIEN_DATA", "XDG_DATA_HOME", ".local/share", "LOCALAPPDATA", "Local")


def _folder(ours: str, xdg: str, at_home: str, windows: str, app_data: str) -> Path:
    if chosen := os.environ.get(ours):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get(windows) or Path.home() / "AppData" / app_data) / "mien"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mien"
    return Path(os.environ.get(xdg) or Path.home() / at_home) / "mien"
