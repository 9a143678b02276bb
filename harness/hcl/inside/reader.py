"""Runs inside the sandbox: reads `.tf` files with python-hcl2, on request.

usage: reader.py

Requests and answers are JSON, one line each, on stdin and stdout. A request maps paths to texts; the answer maps each path
to `{"body": ...}`, or to `{"error": ..., "line": ...}` where the text cannot be read. A body has the structure of
Terraform's JSON syntax: blocks as lists of objects, expressions as `${...}` strings. `harness/hcl/reading.py` is the other end.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import hcl2

_OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, preserve_heredocs=True, strip_string_quotes=True)
_HEREDOC = re.compile(r"<<(-?)([^\W\d][\w.-]*)\r?\n(.*?)[ \t]*\2\Z", re.DOTALL)
_JSON = re.compile(r"\$\{jsonencode\((.*)\)\}\Z", re.DOTALL)
_MAX_DEPTH = 20


def read(text: str) -> dict[str, Any]:
    """The structure of one file, or why there is none."""
    try:
        return {"body": _plain(hcl2.loads(text, serialization_options=_OPTIONS), 0)}
    except Exception as error:  # whatever a parser says of a text that a model wrote
        line = getattr(error, "line", None)
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        return {"error": said[:300], "line": line if isinstance(line, int) and line > 0 else 1}


def _plain(value: Any, depth: int) -> Any:
    """Heredocs as the strings that they are, and JSON that is written as an expression as the JSON that it gives."""
    if isinstance(value, dict):
        return {str(key).strip('"'): _plain(inner, depth) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth) for inner in value]
    if not isinstance(value, str):
        return value
    if heredoc := _HEREDOC.match(value):
        return _heredoc(heredoc[3], bool(heredoc[1]))
    if depth < _MAX_DEPTH and (encoded := _JSON.match(value)):
        inner = read_value(encoded[1], depth + 1)
        # What is no literal at all stays the expression that it is.
        return value if isinstance(inner, str) or inner is None else json.dumps(inner)
    return value


def read_value(text: str, depth: int) -> Any:
    """The value of an expression; None where it cannot be read, or is `null`."""
    try:
        return _plain(hcl2.loads(f"value = {text}\n", serialization_options=_OPTIONS)["value"], depth)
    except Exception:
        return None


def _heredoc(body: str, indented: bool) -> str:
    if not indented:
        return body
    lines = body.split("\n")
    depth = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
    return "\n".join(line[depth:] if line.strip() else line.lstrip(" \t") for line in lines)


def main() -> None:
    """Answer until stdin ends. What a library prints on the way is no answer."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps({path: read(text) for path, text in json.loads(line).items()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
