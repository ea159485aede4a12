"""The folders that Mien keeps things in, where the system has such things."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mien.errors import ConfigError


def config_folder() -> Path:
    """Return the folder for what the user has chosen, which need not exist yet.

    `MIEN_CONFIG` names it; otherwise it is where the system keeps such files: `$XDG_CONFIG_HOME/mien` or
    `~/.config/mien`, on macOS `~/Library/Application Support/mien`, on Windows `%APPDATA%/mien`.
    """
    return _folder("MIEN_CONFIG", "XDG_CONFIG_HOME", ".config", "APPDATA", "Roaming")


def data_folder() -> Path:
    """Return the folder for what is recorded, which need not exist yet.

    `MIEN_DATA` names it; otherwise it is where the system keeps such files: `$XDG_DATA_HOME/mien` or
    `~/.local/share/mien`, on macOS `~/Library/Application Support/mien`, on Windows `%LOCALAPPDATA%/mien`
    (which isn't carried from one computer to the next).
    """
    return _folder("MIEN_DATA", "XDG_DATA_HOME", ".local/share", "LOCALAPPDATA", "Local")


def _folder(ours: str, xdg: str, at_home: str, windows: str, app_data: str) -> Path:
    if chosen := os.environ.get(ours):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get(windows) or home(ours) / "AppData" / app_data) / "mien"
    if sys.platform == "darwin":
        return home(ours) / "Library" / "Application Support" / "mien"
    return Path(os.environ.get(xdg) or home(ours) / at_home) / "mien"


def home(setting: str) -> Path:
    """Return the user's own folder.

    Args:
        setting: the environment variable that names what is looked for, where there is no such folder.

    Raises:
        ConfigError: nobody knows it: in a container, a user may be only a number, and without HOME.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigError(
            f"this user has no home folder (HOME is not set, and the system does not know the user): set"
            f" {setting} to a writable folder"
        ) from error
