"""What the jsii kernel says about a value that it cannot take: a tree of reasons, read and (for the rules' examples) written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scoring.rules.base import snake_case, with_article

_CALL = re.compile(r"Passed to parameter (\w+) of (?:new|static method|method|\w+) (?:[@\w/-]+\.)*?([A-Z]\w*(?:\.\w+)?): ")
_STEP = re.compile(r"^([ │]*)[├╰]─ (?:\[as [^\]]*\] )?(?:Key '([^'\n]*)'|Index \d+): Unable to deserialize value as (.+)$", re.MULTILINE)
_FAILING = re.compile(r"Failing value is ([\w ]+)(?:\n[ │]*│ +(\S.*))?")
_AS_ARRAY = re.compile(r"cdktf\.IResolvable \| (array<[^>]+>)")

MAPPING = ("an object", "{ '$jsii.map': [Object] }")
STRUCT = ("an object", "{ '$jsii.struct': [Object] }")
LIST = ("an array", "[ [Object] ]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that the kernel refused.

    `owner` is the class (or `Class.method`) it was passed to, `keys` leads to it from the parameter, as the kernel spells it;
    `wanted` is the type there; `given` says what the value is (`a number`, `a mapping`), `value` shows it.
    """

    owner: str
    parameter: str
    keys: tuple[str, ...]
    wanted: str
    given: str
    value: str

    @property
    def path(self) -> str:
        """The keys as Python spells them, from the constructor's argument to the value."""
        return ".".join(map(snake_case, self.keys)) or f"argument {self.parameter}"


def read_refusal(message: str) -> Refusal:
    """The refusal behind a message of the kernel. Where several keys were refused, the first."""
    call = _CALL.search(message)
    keys: list[str] = []
    wanted, depth, end = "", -1, 0
    for step in _STEP.finditer(message):
        if len(step[1]) <= depth:
            break
        depth, wanted, end = len(step[1]), step[3], step.end()
        if step[2] is not None:
            keys.append(step[2])
    failing = _FAILING.search(message, end)
    return Refusal(
        owner=call[2] if call else "the construct",
        parameter=call[1] if call else "a value",
        keys=tuple(keys),
        wanted=_plain_type(wanted or message.partition("Unable to deserialize value as ")[2].partition("\n")[0]),
        given=_plain_value(failing[1], failing[2] or "") if failing else "something else",
        value=(failing[2] or "") if failing else "",
    )


def _plain_value(kind: str, shown: str) -> str:
    """What was passed: the kernel's word for it, or what the wrapper around an object says that it is."""
    if found := re.search(r"jsii\.byref': '[^']*?(\w+)@\d+'", shown):
        return with_article(found[1])
    return "a mapping" if "$jsii.map" in shown else "a single struct" if "$jsii.struct" in shown else kind


def _plain_type(wanted: str) -> str:
    """`@cdktf/provider-aws.vpc.VpcTimeouts | undefined` as `VpcTimeouts`, `array<string>` as `a list of strings`."""
    first = next((part for part in wanted.split(" | ") if part not in ("undefined", "cdktf.IResolvable")), wanted)
    plain = {"string": "a string", "number": "a number", "boolean": "a boolean", "any": "a plain value"}
    if found := re.fullmatch(r"(array|map)<(.+)>?", first):
        inner = found[2].rstrip(">").rpartition(".")[2]
        return f"a {'list' if found[1] == 'array' else 'map'} of {inner}{'s' if inner in plain else ''}"
    return plain.get(first, first.rpartition(".")[2])


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a refusal: `where` (a key or an index), the type wanted there, the value given, and the reason below."""

    where: str
    wanted: str
    given: tuple[str, str]
    reason: Step | str


def refuse(construct: str, reason: Step, optional: bool = False) -> str:
    """The kernel's message for a `module.Class`, letter by letter. `optional`: whether the class can do without a configuration."""
    name = f"@cdktf/provider-aws.{construct}"
    head = f"Passed to parameter config of new {name}: Unable to deserialize value as {name}Config{' | undefined' if optional else ''}"
    return "\n".join([head, *_given(STRUCT, ""), *_lines(reason, "    ", "")])


def _lines(reason: Step | str, indent: str, wanted: str) -> list[str]:
    array = _AS_ARRAY.match(wanted)
    mark = f"├─ [as {array[1]}] " if array else "╰─ "
    last = [f'{indent}╰─ [as cdktf.IResolvable] Value does not have the "$jsii.byref" key'] if array else []
    if isinstance(reason, str):
        return [f"{indent}{mark}{reason}", *last]
    head = f"{indent}{mark}{reason.where}: Unable to deserialize value as {reason.wanted}"
    return [head, *_given(reason.given, indent + "    "), *_lines(reason.reason, indent + "        ", reason.wanted), *last]


def _given(value: tuple[str, str], indent: str) -> list[str]:
    kind, shown = value
    lines = [f"{indent}├── 🛑 Failing value is {kind}", *([f"{indent}│      {shown}"] if shown else [])]
    return [*lines, f"{indent}╰── 🔍 Failure reason(s):"]


def block(construct: str, key: str, struct: str, given: tuple[str, str], reason: Step | str, optional: bool = False) -> str:
    """The message about the list of blocks under `key`: `given` is no list, or its first element is refused for `reason`."""
    name = f"@cdktf/provider-aws.{construct.partition('.')[0]}.{struct}"
    wanted = f"cdktf.IResolvable | array<{name}> | undefined"
    if given == LIST:
        inside = MAPPING if not isinstance(reason, str) or reason.startswith("Missing") else STRUCT
        return refuse(construct, Step(f"Key '{key}'", wanted, LIST, Step("Index 0", name, inside, reason)), optional)
    return refuse(construct, Step(f"Key '{key}'", wanted, given, reason), optional)
