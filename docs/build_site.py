"""Builds the documentation's site.

    python docs/build_site.py --out build/site

The pages of docs/, the model cards, the examples, and the reference of commands and settings, which is
written from the program itself, are gathered in one folder. Zensical makes the site of it, strictly: a link
to a page or a heading that is not there ends the build. (Zensical, by the makers of Material for MkDocs,
because that ends in May 2027 and MkDocs 1 is kept by nobody; mkdocstrings makes the API's reference.)
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic_settings import BaseSettings

from mien.cli import app
from mien.config import Settings
from mien.web.settings import WebSettings

ROOT = Path(__file__).parents[1]
ROOT_COMMAND: Any = typer.main.get_command(app)
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
PICTURES = {".jpg", ".png", ".webp", ".svg"}

PROJECT_PAGES = {
    "CONTRIBUTING": "contributing.md", "SECURITY": "security-policy.md", "CHANGELOG": "changelog.md"
}  # fmt: skip
"""Where the pages of the repository's root stand in the site."""

COMMANDS_PAGES = {
    "Read": "Reading photographs and videos",
    "Videos": "Whole videos",
    "Live": "Reading live",
    "Record": "The mood record",
    "Train": "Networks and data sets",
    "Care": "Looking after it",
}
"""The headings of the pages of commands, by the groups of `mien --help`."""


def main() -> None:
    """Build the site into the folder that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder for the site")
    out = parser.parse_args().out
    build(out)
    print(f"{out}/index.html; to search it, serve it: python -m http.server --directory {out}")


def build(out: Path) -> None:
    """Build the site.

    Args:
        out: its folder, made anew; `out`-source beside it holds what it is made of.

    Raises:
        subprocess.CalledProcessError: a link is broken, a page is missing, or the API can't be read.
    """
    work = out.with_name(f"{out.name}-source")
    for folder in (work, out):
        shutil.rmtree(folder, ignore_errors=True)
    gather(work / "pages")
    shutil.copy(DOCS / "zensical.toml", work)
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=work, check=True)
    shutil.move(work / "site", out)


def gather(pages: Path) -> None:
    """Put all pages of the site, and their pictures, into a folder."""
    for source in sorted(DOCS.rglob("*")):
        target = pages / source.relative_to(DOCS)
        if source.suffix == ".md":
            write(target, source.read_text(encoding="utf-8"))
        elif source.suffix in PICTURES:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    models = ROOT / "src" / "mien" / "models"
    for card in models.rglob("*.md"):
        write(pages / "models" / card.relative_to(models), card.read_text(encoding="utf-8"))
    for name, page in PROJECT_PAGES.items():
        write(pages / page, (ROOT / f"{name}.md").read_text(encoding="utf-8"))
    for group, title in COMMANDS_PAGES.items():
        write(pages / "reference" / f"commands-{group.lower()}.md", commands_page(group, title))
    write(pages / "reference" / "settings.md", settings_page())
    write(pages / "examples.md", examples_page())


def write(target: Path, text: str) -> None:
    """Write a page, with its links pointing to where things lie in the site."""
    up = "../" * (len(target.parts) - target.parts.index("pages") - 2)
    text = re.sub(r"\]\((?:\.\./)*src/mien/models/", f"]({up}models/", text)
    for name, page in PROJECT_PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)*{name}\.md", f"]({up}{page}", text)
    text = re.sub(r"\]\((?:\.\./)*docs/", f"]({up}", text)
    text = re.sub(r"\]\((?:\.\./)*examples/[^)]*\)", f"]({up}examples.md)", text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


# --- commands


def commands(group: str | None = None) -> Iterator[tuple[str, Any]]:
    """Walk the command line's tree.

    Args:
        group: "Read", "Live" and so on; None walks all.

    Yields:
        Each command's name, such as "mien store check", and typer's object; a group of commands comes before
        its own.
    """
    for name in ROOT_COMMAND.list_commands(None):
        command = ROOT_COMMAND.get_command(None, name)
        if group is None or command.rich_help_panel == group:
            yield from _with_its_own(f"mien {name}", command)


def _with_its_own(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for own in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _with_its_own(f"{name} {own}", command.get_command(None, own))


def commands_page(group: str, title: str) -> str:
    """Write the reference of one group's commands."""
    return "\n\n".join([f"# {title}", *(_command(*each) for each in commands(group))]) + "\n"


def _command(name: str, command: Any) -> str:
    parts = [f"{'#' * name.count(' ')}# {name}"]
    context = typer.Context(command, info_name=name)
    if not hasattr(command, "list_commands") or command.invoke_without_command:
        usage = command.get_usage(context).removeprefix("Usage: ")
        parts.append(f"```\n{' '.join(usage.split())}\n```")
    parts += [_paragraph(text) for text in inspect.cleandoc(command.help or "").split("\n\n")]
    described = [param.get_help_record(context) for param in command.params]
    rows = [f"| {_code(names)} | {_plain(told)} |" for names, told in filter(None, described)]
    if rows:
        parts.append("\n".join(["| argument or option | what it does |", "| --- | --- |", *rows]))
    return "\n\n".join(parts)


def _paragraph(text: str) -> str:
    line = " ".join(text.replace("\b", "").split())
    found = re.match(r"Examples?: (.*)", line)
    return f"```\n{found[1]}\n```" if found else _plain(line)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _plain(text: str) -> str:
    """Write text in which Markdown and HTML would see marks that are none; code between ticks stays."""
    parts = text.split("`")
    escaped = [
        part if index % 2 and index < len(parts) - 1 else re.sub(r"([<*|\[\]\\])", r"\\\1", part)
        for index, part in enumerate(parts)
    ]
    return "`".join(escaped)


# --- settings

OTHER_VARIABLES = {
    "MIEN_STORE": "Where the record is stored: a file, or `postgresql://...`; else the data folder.",
    "MIEN_STORE_KEY": "The passphrase of an encrypted record.",
    "MIEN_STORE_KEY_FILE": "A file whose first line is that passphrase.",
    "MIEN_STORE_READ_ONLY": "1 to read a record that can't be written, without noting who read it.",
    "MIEN_MQTT": "The broker of `mien live --mqtt` and `mien venue run --mqtt`; given here, its password is"
    " not visible to others.",
    "MIEN_WEBHOOK": "The address of `mien venue run --webhook`.",
    "MIEN_WEBHOOK_SECRET": "What signs its messages.",
    "MIEN_CACHE": "The folder for models that `mien models fetch` downloads.",
    "MIEN_CONFIG": "The folder for choices made once: what Mien is used for.",
    "MIEN_DATA": "The record's folder, unless another setting says where it is stored.",
}
"""What no class of settings names; a test finds what the program reads."""


OF_READING = """\
Each of these can be given in `mien.toml` in the working folder, in the environment as `MIEN_` with the name
in capitals (`MIEN_MIN_FACE_PX=60`), as a keyword of `mien.analyze`, `mien.read` and `mien.stream`, and where
the table has one as an option. An option or keyword wins over the environment, which wins over `mien.toml`,
which wins over the default."""

OF_THE_PAGE = """\
`mien live` takes these from the environment, as `MIEN_WEB_` with the name in capitals
(`MIEN_WEB_MAX_UPLOAD_MB=500`), and where the table has one as an option, which wins."""


def settings_page() -> str:
    """Write the reference of settings."""
    rows = [f"| `{name}` | {what} |" for name, what in OTHER_VARIABLES.items()]
    others = "\n".join(["| variable | what it is |", "| --- | --- |", *rows])
    parts = [
        "# Settings",
        "## Reading faces", OF_READING, _table_of(Settings),
        "## The page's server", OF_THE_PAGE, _table_of(WebSettings),
        "## Other environment variables", others,
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _table_of(settings: type[BaseSettings]) -> str:
    head = ["| setting | option | default | what it is |", "| --- | --- | --- | --- |"]
    rows = []
    for name, field in settings.model_fields.items():
        option = f"`{found}`" if (found := option_of(name)) else ""
        default = "" if field.default in (None, ()) else f"`{_shown(field.default)}`"
        rows.append(f"| `{name}` | {option} | {default} | {_plain(field.description or '')} |")
    return "\n".join(head + rows)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def option_of(setting: str) -> str | None:
    """Return the option of `mien analyze` or `mien live` by which a setting can be chosen."""
    others = {"password": "password_file", "allowed_hosts": "allow_hosts", "min_face_px": "min_face"}
    name = others.get(setting, setting)
    for command in ("analyze", "live"):
        for param in ROOT_COMMAND.get_command(None, command).params:
            if param.name == name:
                return str(max(param.opts, key=len))
    return None


# --- examples


def examples_page() -> str:
    """Write the examples: of a script its text, of a notebook its cells."""
    parts = [(EXAMPLES / "README.md").read_text(encoding="utf-8").rstrip()]
    for path in sorted(EXAMPLES.glob("*.py")):
        parts += [f"## {path.name}", f"```python\n{path.read_text(encoding='utf-8').rstrip()}\n```"]
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        parts.append(f"## {path.name}")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            parts.append(
                f"```python\n{text}\n```" if cell["cell_type"] == "code" else re.sub("^#", "###", text)
            )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
