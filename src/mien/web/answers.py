"""Every answer can be written as JSON, and what is wrong with a request is said in one plain line."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_NO_BODY: Final = (204, 304)
_LONGEST_NAME: Final = 64


class Answer(JSONResponse):
    """An answer in JSON, of which every value can be written."""

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return to_json(content)


def file_of(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that is a file, as FastAPI's `responses` takes it.

    Args:
        *kinds: the content types that it may have.
    """
    shapes = {kind: {"type": "object" if kind == "application/json" else "string"} for kind in kinds}
    return {200: {"content": {kind: {"schema": shape} for kind, shape in shapes.items()}}}


def to_json(value: Any) -> bytes:
    """Write a value as JSON, small.

    JSON has no word for a number that is none, so it becomes null. Half a character (a lone surrogate) has no
    bytes in UTF-8, so it becomes its escape, as it came.

    Args:
        value: of dicts, lists, texts, numbers, booleans and None.

    Returns:
        UTF-8.
    """
    options: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    try:
        text = json.dumps(value, **options)
    except ValueError:
        text = json.dumps(_finite(value), **options)
    return text.encode("utf-8", "backslashreplace")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def answer_plainly(app: FastAPI) -> None:
    """Make an app answer what it refuses with `detail`, a line, as the API's description says.

    FastAPI's own answer repeats what it received, which may be what JSON can't hold, and large.
    """
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Answer({"detail": invalid_words(error)}, 422)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in _NO_BODY:
        return Response(status_code=error.status_code, headers=error.headers)
    return Answer({"detail": error.detail}, error.status_code, error.headers)


def invalid_words(error: RequestValidationError) -> str:
    """Describe which value of a request is wrong, and what was expected: the first is enough."""
    first = error.errors()[0]
    names = [str(part) for part in first["loc"][1:] if isinstance(part, str)]
    name = (names or [str(first["loc"][0])])[-1][:_LONGEST_NAME]
    return f"{name}: {first['msg']}"
