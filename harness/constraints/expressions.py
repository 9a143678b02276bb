"""Reads Terraform's template strings as they stand in synthesized stacks: what they refer to, what they could become.

Nothing is evaluated. What only an apply can know stays unknown, and rules keep silent about it.
"""

from __future__ import annotations

import fnmatch
import glob
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?<![\w.-])((?:data\.)?[a-z][a-z0-9_]*\.[A-Za-z_][\w-]*)"  # aws_kms_key.main, data.aws_region.here, local.name
    r"(?:(?:\[[^\]]*\]|\.\*)?\.([A-Za-z_]\w*))?"  # .arn, [0].arn, .*.arn
)


@dataclass(frozen=True, slots=True)
class Reference:
    """`attribute` (empty for the whole) of what stands at `address`, as some argument mentions it."""

    address: str
    attribute: str

    @property
    def kind(self) -> str:
        """What is referred to: a type (`aws_kms_key`), or `data`, `local`, `var`, `module`."""
        return self.address.partition(".")[0]

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition(".")[2]


def named_strings(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a value, however deep, with the name that it stands under; JSON text is opened."""
    if isinstance(value, str):
        opened = _opened(value)
        if opened is None:
            yield name, value
        else:
            yield from named_strings(opened, name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key != "//":
                # A condition of aws_iam_policy_document keeps its key beside the values.
                yield from named_strings(item, str(value.get("variable", key)) if key == "values" else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from named_strings(item, name)


def _opened(text: str) -> object | None:
    """The content of JSON text; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def references(value: object) -> Iterator[Reference]:
    """Every reference in a value, in nested functions and in JSON text too."""
    for _, text in named_strings(value):
        for expression in interpolations(text):
            for address, attribute in _REFERENCE.findall(expression):
                yield Reference(address, attribute)


def interpolations(text: str) -> Iterator[str]:
    """The outermost `${...}` of a text, without their braces. `$${` is a literal `${`."""
    return (expression for literal, expression in _parts(text) if not literal)


def could_become(text: str, wanted: str, *, wildcards: bool = False) -> bool:
    """Whether a template may turn out as `wanted`, whatever its interpolations become; letters' case does not count.

    With `wildcards`, `*` and `?` in the literal parts mean what they mean in an IAM action.
    """
    pattern = "".join(_pattern(literal, wildcards) if literal else "*" for literal, _ in _parts(text))
    return fnmatch.fnmatchcase(wanted.lower(), pattern.lower())


def _pattern(literal: str, wildcards: bool) -> str:
    return literal.replace("[", "[[]") if wildcards else glob.escape(literal)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """A template in order: `(literal, "")` and `("", expression)`."""
    start = 0
    for match in re.finditer(r"\$?\$\{", text):
        if match.start() < start or match.group().startswith("$$"):
            continue
        if match.start() > start:
            yield text[start : match.start()], ""
        end = _closing(text, match.end())
        yield "", text[match.end() : end]
        start = end + 1
    if start < len(text):
        yield text[start:], ""


def _closing(text: str, start: int) -> int:
    """Where the brace that is open at `start` closes; the end of the text where it never does."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)
