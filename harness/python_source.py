"""Parse Python text, safely from several threads at once."""

from __future__ import annotations

import ast
import threading

_PARSING = threading.RLock()
"""CPython keeps the depth of the tree that it builds in one place for all threads; a collection in the middle of
the build lets another thread in, and one of the two trees is refused with a SystemError. Cases run in threads, so
trees are built one at a time. Re-entrant, because a finalizer may run in the middle of it."""


def parse(text: str) -> ast.Module:
    """The syntax tree of a module's text.

    Raises:
        SyntaxError: the text is not Python.
        ValueError: the text holds a null byte.
    """
    with _PARSING:
        return ast.parse(text)
