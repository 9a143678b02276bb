"""What the program gave to cdktf, as the recorder in the sandbox saw it (`harness/synth/inside/given.py` and `tokens.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.diagnostics import Location

Keys = Mapping[str, Any]
"""Names that were given: to a mapping of the same kind, a list that holds one, 1 for what is plain, 0 for what only cdktf can look into."""


@dataclass(frozen=True, slots=True)
class Construct:
    """A resource, data source or provider as it was constructed. `class_name` and `module` are the bindings'."""

    path: str
    class_name: str
    module: str
    keys: Keys
    alias: str | None


@dataclass(frozen=True, slots=True)
class Override:
    """One `add_override(key, ...)` on the construct at `path`; `argument` says that its class has an attribute of the key's first part."""

    path: str
    key: str
    place: Location | None
    of_stack: bool
    argument: bool


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute set on an object of the bindings whose class has none of that name; `path` is empty for a block of a resource."""

    path: str
    class_name: str
    name: str
    place: Location


@dataclass(frozen=True, slots=True)
class Span:
    """Where an expression stands: lines from 1, columns in bytes from 0, as `ast` counts."""

    file: str
    line: int
    end_line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Operation:
    """What was done in Python with a token: `do` is length, iterate, index, compare, calculate or edit, `kind` string, number or list.

    `owner` is the path of the construct that the token belongs to, empty where it is none; `name` the attribute or function;
    `through` the lines that called the one that did it, nearest first.
    """

    do: str
    kind: str
    owner: str
    name: str
    at: Span
    through: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """Everything that was recorded. `resets` are names of arguments that were taken back on blocks."""

    constructs: tuple[Construct, ...]
    overrides: tuple[Override, ...]
    attributes: tuple[Attribute, ...]
    operations: tuple[Operation, ...]
    resets: frozenset[str]


def read_given(recorded: Mapping[str, Any]) -> Given:
    """The synth gate's `given`. Raises `ValueError` where it is not what the recorder writes: the program can reach its own report."""
    try:
        return Given(
            constructs=tuple(_construct(path, one) for path, one in recorded["constructs"].items()),
            overrides=tuple(
                Override(_text(one["path"]), _text(one["key"]), _place(one["place"]), bool(one["stack"]), bool(one["argument"]))
                for one in recorded["overrides"]
            ),
            attributes=tuple(Attribute(_text(one["path"]), _text(one["class"]), _text(one["name"]), _certain(one["place"])) for one in recorded["attributes"]),
            operations=tuple(map(_operation, recorded["tokens"])),
            resets=frozenset(map(_text, recorded["resets"])),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"the record of what the program gave cannot be read: {error!r}") from error


def _construct(path: str, one: Mapping[str, Any]) -> Construct:
    if not isinstance(one["keys"], dict):
        raise TypeError(f"{path}: the keys are no mapping")
    alias = one.get("alias")
    return Construct(path, _text(one["class"]), _text(one["module"]), one["keys"], None if alias is None else _text(alias))


def _operation(one: Mapping[str, Any]) -> Operation:
    through = tuple(map(_certain, one["through"]))
    return Operation(_text(one["do"]), _text(one["kind"]), _text(one["owner"]), _text(one["name"]), _span(one["at"]), through)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _place(value: Sequence[Any] | None) -> Location | None:
    return None if value is None else _certain(value)


def _certain(value: Sequence[Any]) -> Location:
    file, line = value
    return Location(_text(file), int(line))


def _span(value: Sequence[Any]) -> Span:
    file, *numbers = value
    line, end_line, column, end_column = map(int, numbers)
    return Span(_text(file), line, end_line, column, end_column)
