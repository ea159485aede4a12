"""What the page about Mien shows of the packages that do the work, and of the networks: their model cards."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING, Final

import markdown2  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_NAME: Final = 40
_PARTS: Final = (
    "onnxruntime", "opencv-python-headless", "av", "mtcnn", "numpy", "scipy", "fastapi", "uvicorn",
)  # fmt: skip

_EMPTY_HEAD: Final = re.compile(r"<thead>\s*<tr>(\s*<th></th>)+\s*</tr>\s*</thead>")


@lru_cache(maxsize=1)
def parts() -> tuple[tuple[str, str, str], ...]:
    """Return the packages that do the work: name, version and licence of those that are installed."""
    found = []
    for name in _PARTS:
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        licence = next((about[key] for key in ("License-Expression", "License") if key in about), None)
        found.append((name, about["Version"], _licence(licence)))
    return tuple(found)


def _licence(text: str | None) -> str:
    """Return a licence's name; some packages put its whole text in the name's place, or the names of many."""
    name, *others = (text or "see the package").split(" AND ")
    if len(name) > _LONGEST_NAME or "\n" in name:
        return "see the package"
    return f"{name} and others" if others else name


def card(network: Path) -> str:
    """Render a network's model card, which lies beside it, as HTML.

    Args:
        network: the .onnx file; NAME.md beside it is the card.

    Returns:
        Markup whose headings fit under one of the second level. Empty where there is no card.
    """
    path = network.with_suffix(".md")
    if not path.is_file():
        return ""
    text = re.sub(r"\A# .*\n", "", path.read_text(encoding="utf-8"))
    deeper = re.sub(r"^(#+) ", r"\1# ", text, flags=re.MULTILINE)
    markup: str = markdown2.markdown(deeper, extras=["tables", "fenced-code-blocks"], safe_mode="escape")
    return _in_scrolling_boxes(markup)


def _in_scrolling_boxes(markup: str) -> str:
    """Let wide tables and code scroll by themselves, by mouse, finger or keyboard, on a narrow page."""
    box = '<div class="scroll" tabindex="0" role="group" aria-label="{}">'
    markup = _EMPTY_HEAD.sub("", markup)
    markup = markup.replace("<table>", box.format("Table") + "<table>").replace("</table>", "</table></div>")
    return markup.replace("<pre>", box.format("Settings") + "<pre>").replace("</pre>", "</pre></div>")
