"""The environment that an imported program needs: neutral values for what it reads without a default."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping

from harness.importers.program import python_sources
from harness.importers.sources import reachable
from harness.python_source import parse

ALWAYS = {"ENVIRONMENT_SUFFIX": "dev", "AWS_REGION": "us-east-1"}
_NEUTRAL = (
    (r"PASSWORD|PASSWD|SECRET|TOKEN", "Example-Passw0rd"),
    (r"ACCOUNT", "123456789012"),
    (r"REGION", "us-east-1"),
    (r"ARN$", "arn:aws:iam::123456789012:role/example"),
    (r"CIDR", "10.0.0.0/16"),
    (r"EMAIL", "nobody@example.com"),
    (r"DOMAIN|HOST", "example.com"),
    (r"USER", "exampleuser"),
    (r"BUCKET", "example-bucket"),
    (r"PORT$|COUNT$|SIZE$", "1"),
    (r"^ENV|STAGE|SUFFIX", "dev"),
)


def needed_environment(*trees: tuple[Mapping[str, bytes], str]) -> dict[str, str]:
    """Variables for (files, script) of each tree: what the script and the modules it imports read with `os.environ["X"]`.

    A variable that is read with a default, or tested first, needs no value: the program's own default is what the model meant.
    """
    found: dict[str, str] = dict(ALWAYS)
    for files, script in trees:
        for path in reachable(script, python_sources(files)):
            for name in _required(files[path].decode("utf-8", errors="replace")):
                found.setdefault(name, neutral_value(name))
    return found


def neutral_value(name: str) -> str:
    """A value that looks like what the variable's name promises and belongs to nobody."""
    return next((value for pattern, value in _NEUTRAL if re.search(pattern, name.upper())), "example")


def _required(text: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    written = {name for node in ast.walk(tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and (name := _variable(node))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and (name := _variable(node)) and name not in written:
            yield name


def _variable(node: ast.Subscript) -> str:
    """X of `os.environ["X"]` or `environ["X"]`, else nothing."""
    value = node.value
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    key = node.slice
    return key.value if name == "environ" and isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value else ""
