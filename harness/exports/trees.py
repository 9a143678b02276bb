"""A tree of files as it is kept, and as exports show it."""

from __future__ import annotations

import json
import re
from typing import Any, TypedDict

from harness.exports.text import encodable

_TICKS = re.compile(r"`{3,}")
_LANGUAGES = {"py": "python", "tf": "hcl", "json": "json", "yaml": "yaml", "yml": "yaml", "md": "markdown", "toml": "toml", "sh": "bash", "js": "javascript"}


class TreeFile(TypedDict):
    """A file: `encoding` is `utf-8`, or `base64` where the content is no text."""

    path: str
    content: str
    encoding: str


def read_tree(content: bytes) -> list[TreeFile]:
    """The files of a tree artefact (see `base.RESPONSE_TREE`), by path. Raises `ValueError` where it is none."""
    data = json.loads(content)
    if not isinstance(data, dict):
        raise ValueError("a tree is an object of paths")
    return [_file(path, data[path]) for path in sorted(data)]


def texts_of(content: bytes) -> dict[str, str]:
    """The files of a tree artefact that are text, by path. Raises `ValueError` where it is none."""
    return {file["path"]: file["content"] for file in read_tree(content) if file["encoding"] == "utf-8"}


def as_text(files: list[TreeFile]) -> str:
    """A tree as one text: for each file a heading with its path, and its content in a fence that is longer than any in it."""
    return "\n".join(_section(file) for file in files)


def _file(path: str, value: Any) -> TreeFile:
    if isinstance(value, str):
        return {"path": path, "content": value, "encoding": "utf-8"}
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        return {"path": path, "content": value["base64"], "encoding": "base64"}
    raise ValueError(f"{path}: neither a text nor base64")


def _section(file: TreeFile) -> str:
    runs = _TICKS.findall(file["content"]) if "```" in file["content"] else []
    ticks = "`" * max([3, *(len(run) + 1 for run in runs)])
    language = "base64" if file["encoding"] == "base64" else _LANGUAGES.get(file["path"].rpartition(".")[2], "")
    content = file["content"] + ("" if file["content"].endswith("\n") or not file["content"] else "\n")
    # A path is a file's name on Unix, and may hold any character; as JSON it stays on its line.
    path = file["path"] if file["path"].isprintable() else json.dumps(file["path"])
    return encodable(f"### {path}\n\n{ticks}{language}\n{content}{ticks}\n")
