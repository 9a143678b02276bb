"""HCL as tokens: enough of the language to know where its blocks, arguments and brackets begin and end.

One pass over the text, linear in its size; the language is described in the "HCL Native Syntax Specification".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(OPENING.values())
_SKIPPED = re.compile(r"[ \t\r\ufeff]+|(?:#|//)[^\n]*|/\*.*?\*/", re.DOTALL)
_HEREDOC = re.compile(r"<<(-?)([^\W\d][\w.-]*)[ \t]*\r?\n")
_WORD = re.compile(r"[^\W\d][\w-]*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|==|!=|<=|>=|&&|\|\||=>|\.\.\.|.", re.DOTALL)
_MAX_DEPTH = 200


class HclError(Exception):
    """A text that is not HCL, as far as this module can tell; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `newline`, `string`, `heredoc`, `open`, `close` or `word` (which is everything else); lines count from 1.

    `start` and `end` are offsets into the text; `last` is the line on which the token ends.
    """

    kind: str
    text: str
    start: int
    end: int
    line: int
    last: int


def tokenize(text: str) -> list[Token]:
    """The tokens of a file, comments left out. Raises `HclError` for a string, heredoc or comment that never ends."""
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    at, line = 0, 1
    while at < len(text):
        if skipped := _SKIPPED.match(text, at):
            line += text.count("\n", at, skipped.end())
            at = skipped.end()
            continue
        if text.startswith("/*", at):
            raise HclError("a comment is not closed", line)
        kind, end = _next(text, at, line)
        last = line + text.count("\n", at, end)
        # A newline ends the line on which it stands.
        yield Token(kind, text[at:end], at, end, line, line if kind == "newline" else last)
        at, line = end, last


def _next(text: str, at: int, line: int) -> tuple[str, int]:
    char = text[at]
    if char == "\n":
        return "newline", at + 1
    if char == '"':
        return "string", _string_end(text, at + 1, line)
    if heredoc := _HEREDOC.match(text, at):
        return "heredoc", _heredoc_end(text, heredoc, line)
    if char in OPENING:
        return "open", at + 1
    if char in _CLOSING:
        return "close", at + 1
    word = _WORD.match(text, at)
    assert word
    return "word", word.end()


def _string_end(text: str, at: int, line: int, depth: int = 0) -> int:
    """The offset behind the closing quote of the string whose first character stands at `at`."""
    if depth > _MAX_DEPTH:
        raise HclError("templates are nested too deeply", line)
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char == "\n":
            break
        if char == "\\":
            at += 2
        elif text.startswith(("$${", "%%{"), at):
            at += 3
        elif text.startswith(("${", "%{"), at):
            at = _template_end(text, at + 2, line, depth + 1)
        else:
            at += 1
    raise HclError("a string is not closed", line)


def _template_end(text: str, at: int, line: int, depth: int) -> int:
    """The offset behind the brace that closes the interpolation whose first character stands at `at`."""
    braces = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at = _string_end(text, at + 1, line, depth)
            continue
        if char == "{":
            braces += 1
        elif char == "}":
            if braces == 0:
                return at + 1
            braces -= 1
        at += 1
    raise HclError("an interpolation is not closed", line)


def _heredoc_end(text: str, heredoc: re.Match[str], line: int) -> int:
    """The offset behind the word that ends the heredoc; the newline after it is a token of its own."""
    closing = re.compile(rf"^[ \t]*{re.escape(heredoc[2])}(?=[ \t]*\r?$)", re.MULTILINE)
    found = closing.search(text, heredoc.end())
    if found is None:
        raise HclError(f"the heredoc {heredoc[2]} is not closed", line)
    return found.end()
