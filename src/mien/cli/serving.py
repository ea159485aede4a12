"""What commands share that run until they are ended, and show the page meanwhile."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Timer, main_thread
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.web.settings import WebSettings

PageOption = Annotated[bool, typer.Option("--page/--no-page", help="Show the page, or only text.")]
BrowserOption = Annotated[bool, typer.Option(help="Open the page in a browser.")]
HostOption = Annotated[
    str | None, typer.Option(help="Address the page listens on [127.0.0.1].", metavar="ADDRESS")
]
PortOption = Annotated[int | None, typer.Option(help="The page's port, 0 for any free one [8470].")]
PasswordFileOption = Annotated[
    Path | None, typer.Option(help="File with the page's password.", metavar="PATH")
]
TlsCertOption = Annotated[Path | None, typer.Option(help="TLS certificate for https.", metavar="PATH")]
TlsKeyOption = Annotated[Path | None, typer.Option(help="The certificate's private key.", metavar="PATH")]
AllowHostsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", help="Another host name under which browsers may open the page.", metavar="NAME"
    ),
]
StopAfterOption = Annotated[
    float | None,
    typer.Option("--for", help="Stop after so many seconds of running.", metavar="SECONDS", min=0.0),
]


def web_settings(
    host: str | None,
    port: int | None,
    password_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_hosts: Sequence[str] | None,
) -> WebSettings:
    """Return the page's settings: the options, else those of this machine.

    Raises:
        ConfigError: one can't be, or the extra `web` is not installed.
    """
    from mien.web.settings import load_web_settings

    return load_web_settings(
        password_file=password_file, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key,
        allowed_hosts=tuple(allow_hosts or ()) or None,
    )  # fmt: skip


def run_for(seconds: float | None, run: Callable[[], None]) -> None:
    """Call a function, and end it like Ctrl-C does, but without a complaint, after some time.

    Args:
        seconds: the time; with None, nothing ends it.
        run: what to call, in the main thread.
    """
    if seconds is None:
        run()
        return
    over = Event()
    timer = Timer(seconds, _interrupt, [over])
    timer.daemon = True
    try:
        try:
            timer.start()
            run()
        finally:
            timer.cancel()
            if timer.is_alive():
                timer.join()  # so that an interrupt under way comes here, and not to what follows
    except KeyboardInterrupt:
        if not over.is_set():
            raise


def _interrupt(over: Event) -> None:
    over.set()
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:  # of all threads, only the main one's wait ends by a signal
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
