"""Tells, for errors of an apply or a destroy, what only depends on an account from what the code is to blame for.

The account is empty, so what an error names is either of the stack's own making (the code's wiring or
order is wrong) or has to exist elsewhere (nothing can be said here).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.diagnostics import Diagnostic
from harness.gates.base import Lasting
from harness.terraform.environment import marked, plan_hole
from harness.terraform.stacks import resources

_REQUEST = re.compile(r", https response error StatusCode: \d+, RequestID: [^,]*(?:, HostID: [^,]*)?")
_RANDOM = re.compile(r"\b[a-z]{2,12}-[0-9a-f]{8,17}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_NOT_FOUND = re.compile(r"NotFound|NoSuch|does ?n[o']t exist|not found|Unknown\w*Exception|couldn't find|non-?existent", re.IGNORECASE)
_OWN_READ = re.compile(r"(?:^|: )(?:reading|listing|waiting for|finding)\b|couldn't find resource|empty result|operation error [\w ]+: (?:Describe|Get|List)")
_TAKEN = re.compile(
    r"Already ?Exist|Already ?Owned|already (?:exists|in use|taken)|NameInUse|ResourceInUse|\.Duplicate|DuplicateName|ConflictException|\.Conflict\b",
    re.IGNORECASE,
)
_OWN_MAKING = re.compile(r"InvalidPermission\.Duplicate|RouteAlreadyExists|InvalidSubnet\.Conflict|Resource\.AlreadyAssociated")
"""What is in the way of a rule, a route or a subnet stands in a group, a table or a network that the stack made itself."""
_QUOTA = re.compile(r"LimitExceeded|Quota|TooMany|limit exceeded|maximum (?:number|limit)|AddressLimit", re.IGNORECASE)
_NEVER_READY = re.compile(r"timeout while waiting|unexpected state|context deadline exceeded|retry quota|deserialization failed|failed to decode")
_EXPRESSION = re.compile(r"Error in function call|Invalid (?:index|function argument|template interpolation value)|Attempt to (?:get attribute|index)")
_UPSTREAM = re.compile(r"Unsupported attribute|Attempt to (?:get attribute|index)|Unable to find remote state|Invalid template interpolation value")
_QUOTED = re.compile(r"""["'(`]([^"'()`\s]{3,})["')`]""")
_ARN = re.compile(r"arn:aws[\w-]*:[^\s\"',)]+")
_ID = re.compile(r"\b[a-z]{2,12}-[0-9a-f]{8,17}\b")
_NAMELIKE = re.compile(r"\w[-_/]\w")
_NAMES = ("name", "bucket", "function_name", "identifier", "cluster_identifier", "alias_name", "domain", "family", "role_name", "key_name", "username")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the stacks of one account have: `declared` maps address to its body, `made` address to the attributes it got."""

    declared: Mapping[str, Mapping[str, Any]]
    made: Mapping[str, Mapping[str, Any]]

    def owners(self, value: str, besides: str | None) -> list[str]:
        """The resources that are named by `value`: one of their own names or ids, or an ARN that ends in it."""
        return sorted(address for address, names in self._names() if address != besides and any(_same(value, name) for name in names))

    def twins(self, address: str) -> list[str]:
        """Other resources of the same type that take the same name, or that say the same altogether."""
        kind, mine = address.partition(".")[0], self.declared.get(address, {})
        others = ((other, body) for other, body in self.declared.items() if other != address and other.partition(".")[0] == kind)
        return sorted(other for other, body in others if _names_of(body) & _names_of(mine) or _content(body) == _content(mine))

    def _names(self) -> Iterator[tuple[str, set[str]]]:
        for address in {*self.declared, *self.made}:
            found = _names_of(self.declared.get(address, {}))
            found |= {str(value) for name, value in self.made.get(address, {}).items() if name in ("id", "arn", *_NAMES) and isinstance(value, str)}
            yield address, {name for name in found if name and "${" not in name}


def surroundings(stacks: Mapping[str, Any], made: Mapping[str, Mapping[str, Any]]) -> Surroundings:
    """Those of all stacks of an account."""
    return Surroundings({address: body for stack in stacks.values() for address, body in resources(stack) if isinstance(body, dict)}, made)


def apply_hole(said: Diagnostic, around: Surroundings) -> str:
    """Why an error of apply is not the code's; empty where it is."""
    return marked(_apply_hole(said, around), said)


def _apply_hole(said: Diagnostic, around: Surroundings) -> str:
    if reason := plan_hole(said) or _answered(said):
        return reason
    where = said.address or "a resource"
    if _NEVER_READY.search(said.message):
        return f"the emulator never brings {where} to where the provider waits for it"
    if _QUOTA.search(said.message):
        return f"environmental: {where} meets a quota of the account: {_first(said)}"
    if is_taken(said) and said.address:
        return "" if around.twins(said.address) or _OWN_MAKING.search(said.message) else f"environmental: {where} wants a name that is taken: {_first(said)}"
    if _NOT_FOUND.search(said.message):
        if _OWN_READ.search(said.message):
            return f"the emulator does not keep all of {where}: {_first(said)}"
        if culprits(said, around):
            return ""
        return f"environmental: {where} needs something that an empty account does not have: {_first(said)}"
    return ""


def _first(said: Diagnostic) -> str:
    """As much of what was said as a reason has room for."""
    return steady(said.message).removeprefix(f"{said.code}: ").splitlines()[0][:200]


def _answered(said: Diagnostic) -> str:
    """An expression that fails on what the emulator answered (an empty list where AWS has three tokens) says nothing about the code."""
    if not _EXPRESSION.search(said.message):
        return ""
    try:
        values = (json.loads(said.detail).get("snippet") or {}).get("values") or []
    except (ValueError, AttributeError):
        return ""
    names = sorted({str(one.get("traversal")) for one in values if str(one.get("traversal")).startswith("aws_")})
    return f"the emulator's {', '.join(names)} is not what an expression of {said.address or 'the stack'} needs" if names else ""


def upstream_hole(said: Diagnostic, upstream: Mapping[str, bool]) -> str:
    """Why an error of a stack follows from another one; `upstream` says of each stack whose state it reads whether it is whole."""
    broken = sorted(name for name, whole in upstream.items() if not whole)
    # Where the other one ran out of time, its own reason says so.
    return Lasting(f"not judged: it reads the state of {', '.join(broken)}, which is not whole") if broken and _UPSTREAM.search(said.message) else ""


def culprits(said: Diagnostic, around: Surroundings) -> list[str]:
    """The resources of the same account that an error names: what it looked for is, or should be, one of them."""
    return sorted({owner for value in _mentioned(said.message) for owner in around.owners(value, said.address)})


def is_taken(said: Diagnostic) -> bool:
    """Whether an error says that something of that name is there already."""
    return bool(_TAKEN.search(said.message))


def _mentioned(message: str) -> set[str]:
    """What the service names; the words before its answer are the provider's, and name the resource itself."""
    answer = re.split(r"api error |operation error [\w ]+: \w+, ", message)[-1]
    return {*_QUOTED.findall(answer), *_ARN.findall(answer), *_ID.findall(answer), *(word.strip(".,:;") for word in answer.split() if _NAMELIKE.search(word))}


def _same(value: str, name: str) -> bool:
    return value == name or (len(name) > 3 and value.endswith((f":{name}", f"/{name}"))) or (len(value) > 3 and name.endswith((f":{value}", f"/{value}")))


def _names_of(body: Mapping[str, Any]) -> set[str]:
    return {str(body[name]) for name in _NAMES if isinstance(body.get(name), str)}


def _content(body: Mapping[str, Any]) -> str:
    left_out = ("//", "description", "tags", "depends_on", "lifecycle", "provider")
    return json.dumps({name: value for name, value in body.items() if name not in left_out}, sort_keys=True)


def steady(text: str) -> str:
    """A message without what a new account makes different: request ids, and ids that the emulator draws by lot."""
    return _RANDOM.sub("<id>", _REQUEST.sub("", text))
