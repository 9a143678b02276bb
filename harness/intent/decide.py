"""Whether a policy holds, by the values that its rules got, and which rule is to blame where it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.intent.evaluation import Values
from harness.intent.rego import Kind, RegoRule

_REFUSING = re.compile(r"^(?:deny|violations?|denied|fail(?:ed|ures?)?|errors?)(?:_\w+)?$")
_SHOWN = 20


class UndecidedError(Exception):
    """A policy without a rule that could decide anything."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that says no: `rule` is the one that decides or the one that it rests on; `message` is what a refusing rule said, else empty."""

    rule: str
    message: str = ""


def breaches(rules: Mapping[str, RegoRule], evaluated: Values, chosen: Sequence[str] = ()) -> list[Breach]:
    """Every reason why the policy does not hold; none where it does.

    Rules that refuse (`deny`, `violation` and the like) may not say anything. Of
    the others every yes-or-no rule that no other rule uses has to be true. `chosen` rules decide alone, where a case
    names them. Raises `UndecidedError`.
    """
    found: list[Breach] = []
    values = evaluated.values
    deciding = _deciding(rules, values, chosen)
    if broken := [name for name in deciding if name in evaluated.errors]:
        raise UndecidedError(f"{broken[0]} cannot be evaluated: {evaluated.errors[broken[0]]}")
    # What could not be evaluated, and was not needed, is not to blame.
    rules = {name: rule for name, rule in rules.items() if name not in evaluated.errors}
    for name in deciding:
        if _REFUSING.match(name):
            found += [Breach(name, message) for message in _messages(values.get(name))]
        elif values.get(name) is not True:
            found += [Breach(blamed) for blamed in _blame(name, rules, values, {name})]
    return list(dict.fromkeys(found))


def _deciding(rules: Mapping[str, RegoRule], values: Mapping[str, Any], chosen: Sequence[str]) -> list[str]:
    if chosen:
        if lacking := [name for name in chosen if name not in rules]:
            raise UndecidedError(f"it has no rule {', '.join(lacking)}")
        return list(chosen)
    used = {name for rule in rules.values() for name in rule.uses}
    refusing = [name for name, rule in rules.items() if _REFUSING.match(name) and rule.kind is not Kind.FUNCTION]
    yes_or_no = [name for name, rule in rules.items() if name not in refusing and _is_boolean(rule, values)]
    # Where rules use each other in a circle, none is the last word; then all of them count.
    deciding = refusing + ([name for name in yes_or_no if name not in used] or ([] if refusing else yes_or_no))
    if not deciding:
        raise UndecidedError("none of its rules is true or false, and none is called deny or violation")
    return deciding


def _is_boolean(rule: RegoRule, values: Mapping[str, Any]) -> bool:
    return rule.kind is Kind.BOOLEAN or (rule.kind is Kind.VALUE and isinstance(values.get(rule.name), bool))


def _messages(value: Any) -> list[str]:
    """What a refusing rule says: the members of its set, the keys of its object, or that it holds."""
    if value is None or value is False:
        return []
    if value is True:
        return ["it is refused"]
    members = list(value) if isinstance(value, (list, dict)) else [value]
    return [member if isinstance(member, str) else _message(member) for member in members[:_SHOWN]]


def _message(member: Any) -> str:
    """A member that is an object often has its sentence under `msg` or `message`."""
    if isinstance(member, dict):
        for key in ("msg", "message", "reason"):
            if isinstance(member.get(key), str):
                return str(member[key])
    return json.dumps(member, sort_keys=True)


def _blame(name: str, rules: Mapping[str, RegoRule], values: Mapping[str, Any], seen: set[str]) -> list[str]:
    """The rules that keep `name` from being true: those that it asks for, where it has one body only and all of them
    have to be true; else itself."""
    rule = rules[name]
    if rule.bodies != 1:
        return [name]
    asked = [other for other in rules if other in rule.uses - rule.negates - seen and _is_boolean(rules[other], values)]
    false = [other for other in asked if values.get(other) is not True]
    blamed = [deeper for other in false for deeper in _blame(other, rules, values, seen | set(asked))]
    return list(dict.fromkeys(blamed)) or [name]
