"""The command line: thin commands over the Python API. Which there are stands in `commands.COMMANDS`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import mien
from mien.cli.commands import LazyCommands
from mien.cli.console import Interrupted, escape_unwritable, print_error
from mien.errors import ConfigError, MienError
from mien.install import extras_command
from mien.wording import plainly

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
"""What the commands exit with: 1 where a file is at fault, 2 where the command has to change."""

OF_EXTRAS = {
    **dict.fromkeys(("keras", "skimage", "tensorboardX", "tensorflow"), "train"),
    **dict.fromkeys(("argon2", "fastapi", "jinja2", "markdown2"), "web"),
    **dict.fromkeys(("prometheus_client", "python_multipart", "starlette", "uvicorn", "websockets"), "web"),
    **dict.fromkeys(("fhir", "ruptures", "typst"), "record"),
    **dict.fromkeys(("hmmlearn", "sklearn"), "videos"),
    "statsmodels": "study",
    **dict.fromkeys(("xlsxwriter", "pyreadstat", "pympi"), "tables"),
    "paho": "mqtt",
    **dict.fromkeys(("edfio", "mne", "neurokit2", "pyxdf", "wfdb", "bleak", "brainflow", "pylsl"), "signals"),
}
"""Modules that the extras bring, each with its extra."""

_PACKAGES = {
    "argon2": "argon2-cffi", "fhir": "fhir.resources", "paho": "paho-mqtt", "pympi": "pympi-ling",
    "skimage": "scikit-image", "sklearn": "scikit-learn",
}  # fmt: skip
"""What people know a module as, where its package has another name."""

# typer carries click inside it and names none of its errors but this one, whose parent is "wrong use".
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


app = typer.Typer(
    name="mien",
    cls=LazyCommands,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # would swallow the brackets of mien[train]
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 something failed, 2 wrong use, 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mien {mien.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback with an error; stands anywhere.")
    ] = False,
) -> None:
    """Read the expressions on faces, in photographs, videos and from cameras, on your own machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; those of the process when left out.

    Returns:
        The exit code: 0, 1 (failed), 2 (wrong use) or 130 (interrupted).
    """
    # Before numpy is loaded. Our matrices are small: threads that wait for each other took up to ten times
    # the processor of one (change charts, with both cores busy), and were no faster.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    escape_unwritable()
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    debug = "--debug" in arguments
    arguments = [each for each in arguments if each != "--debug"]
    try:
        code = app(arguments, prog_name="mien", standalone_mode=False, obj={"debug": debug})
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`mien ... | head`): nothing more can be said, nor flushed when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        # The border of the process: a mistake of ours is one line too, and a traceback on request.
        if debug:
            traceback.print_exc()
        message, code = _explain(error)
        print_error(message)
        return code
    if code == INTERRUPTED:  # which newer versions of typer make of Ctrl-C themselves
        print_error("interrupted")
    return code if isinstance(code, int) else OK


def _explain(error: BaseException) -> tuple[str, int]:
    """Return the line for an error, and the exit code."""
    if isinstance(error, Interrupted):
        return str(error), INTERRUPTED
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "mien"
        told = plainly(error.format_message())  # type: ignore[attr-defined]
        told = " ".join(told.split())  # the choices stand one a line
        return f"{told.rstrip('.')}; see `{command} --help`", WRONG_USE
    if isinstance(error, ConfigError):
        return str(error), WRONG_USE
    if isinstance(error, MienError):
        return str(error), FAILED
    module = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if module in OF_EXTRAS:
        package = _PACKAGES.get(module, module)
        return f"this needs {package}: {extras_command(OF_EXTRAS[module])}", FAILED
    return f"{type(error).__name__}: {error} (a mistake in mien; --debug shows where)", FAILED
