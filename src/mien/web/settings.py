"""What can be chosen about the page's server; checked when it is made."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mien.errors import ConfigError
from mien.store.types import SHORTEST_PASSWORD
from mien.textfile import read_text
from mien.wording import plainly, reason


class WebSettings(BaseSettings):
    """Where the page listens, who may come in, and how much they may bring.

    Values given by name win over the environment: `MIEN_WEB_MAX_UPLOAD_MB=500`.

    Raises:
        ConfigError: the page would be open to a network without a password, the password is short, or
            certificate and key don't belong together.
    """

    model_config = SettingsConfigDict(
        env_prefix="MIEN_WEB_", frozen=True, extra="forbid", validate_default=True
    )

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8470, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    password: SecretStr | None = Field(None, description="The page's password; None for no password.")
    tls_cert: Path | None = Field(None, description="Certificate chain for https, in PEM.")
    tls_key: Path | None = Field(
        None, description="Its private key in PEM, if it is not in the chain's file."
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="More names of this server that browsers may use: mien.example, or nas.local:8470."
    )
    max_upload_mb: int = Field(200, ge=1, le=10_000, description="Largest upload, in millions of bytes.")
    max_uploads: int = Field(10, ge=1, le=100, description="Uploads at the same time.")
    upload_seconds: float = Field(600, gt=0, le=86_400, description="Longest time that an upload may take.")
    allow_sources: bool = Field(
        True, description="A browser on this machine may add and remove cameras and streams."
    )
    max_cameras: int = Field(8, ge=1, le=100, description="Browser cameras in use at the same time.")
    max_connections: int = Field(256, ge=1, le=100_000, description="Connections at the same time, in total.")
    max_connections_each: int = Field(
        100, ge=1, le=100_000, description="Connections of one address; behind a proxy, all come from it."
    )
    silent_seconds: float = Field(
        120, gt=0, le=86_400, description="A WebSocket that receives nothing for this long is closed."
    )
    idle_minutes: float = Field(60, gt=0, le=525_600, description="An unused session ends after this time.")
    session_hours: float = Field(
        12, gt=0, le=8760, description="Any session ends after this time, used or not."
    )

    @model_validator(mode="after")
    def _check(self) -> WebSettings:
        if self.password is not None:
            check_password(self.password.get_secret_value(), "password")
        elif not is_loopback(self.host):
            raise ConfigError(
                f"host {self.host} can be reached from other machines: choose a password (--password-file), "
                "or listen on 127.0.0.1"
            )
        if self.tls_key and not self.tls_cert:
            raise ConfigError(f"received the key {self.tls_key} without a certificate: give --tls-cert too")
        if self.tls_cert:
            self.tls_context()
        return self

    @property
    def tls(self) -> bool:
        """Whether the server speaks https."""
        return self.tls_cert is not None

    def tls_context(self) -> ssl.SSLContext:
        """Load certificate and key.

        Raises:
            ConfigError: they can't be read, or don't belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self.tls_cert is not None
        try:
            # Without a password given here, OpenSSL would ask for one at the terminal, and wait.
            context.load_cert_chain(self.tls_cert, self.tls_key, password="")
        except (OSError, ssl.SSLError) as error:
            names = f"{self.tls_cert}" + (f" and {self.tls_key}" if self.tls_key else "")
            raise ConfigError(
                f"{names}: expected a certificate and its unencrypted key in PEM ({error.strerror or error})"
            ) from error
        return context


def load_web_settings(*, password_file: Path | None = None, **choices: Any) -> WebSettings:
    """Gather the settings of the page's server.

    Args:
        password_file: a file whose first line is the password.
        **choices: by field name; None means "not chosen".

    Raises:
        ConfigError: a value is out of range, or the page would be open to a network without a password.
    """
    chosen = {name: value for name, value in choices.items() if value is not None}
    if password_file is not None:
        chosen["password"] = read_password(password_file)
    try:
        return WebSettings(**chosen)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        # What was received is left out where it may be the password.
        received = "" if name == "password" else f", received {first['input']!r}"
        raise ConfigError(f"setting {name}: {plainly(first['msg'])}{received}") from None


def read_password(path: Path) -> str:
    """Read a password from the first line of a file.

    Raises:
        ConfigError: the file can't be read, or its password is too short.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"password file {path}: expected a readable text file ({reason(error)})") from error
    password = text.partition("\n")[0]
    check_password(password, f"password file {path}")
    return password


def check_password(password: str, name: str) -> None:
    """Check that a password is long enough; the message doesn't repeat it.

    Raises:
        ConfigError: it is too short.
    """
    if len(password.strip()) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"{name}: expected at least {SHORTEST_PASSWORD} characters, received {len(password.strip())}"
        )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
