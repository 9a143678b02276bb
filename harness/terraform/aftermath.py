"""What a deployment shows after its apply: changes that a second plan still wants, and what destroy leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.diagnostics import Diagnostic
from harness.terraform.account import steady
from harness.terraform.deployment import Phases
from harness.terraform.messages import DeployReport, StackView, deploy_report, read_diagnostic
from harness.terraform.stacks import resources

DRIFT = "drift"
LEFT = "destroy leaves something"
NOT_DELETABLE = "cannot be deleted"
_NOT_DELETABLE = re.compile(
    r"BucketNotEmpty|not empty|[Dd]eletion ?[Pp]rotection|protected [Cc]luster|prevent_destroy|Instance cannot be destroyed|final_snapshot_identifier"
    r"|disableApiTermination|skip_final_snapshot|force_destroy|force_delete|RepositoryNotEmpty|contains images|Object Lock",
)
_PREVENTED = re.compile(r"Resource ((?:[\w-]+\.)+[\w-]+)")
_IMPURE = re.compile(r"\b(?:timestamp|uuid|bcrypt)\(")
"""Functions that give another value each time."""
_UNKNOWN = "?"
Change = tuple[str, str, str]
"""Address, attribute, and the value that is wanted, as JSON."""


def drift(phases: Phases, created: Sequence[str], view: StackView) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """Findings and holes of the second plan, for the resources that the apply `created`.

    A change that is wanted again, to the same value, after one more apply has made it, is one that the
    emulator does not keep. A change that is gone or has moved to another resource, as where two resources
    manage one thing and each undoes the other, or whose value is another one each time, is the code's.
    """
    bodies = dict(resources(view.stack))
    second, third = (_changes(plan, {address: bodies.get(address) or {} for address in created}) for plan in (phases.second_plan, phases.third_plan))
    found: dict[str, dict[str, str]] = {}
    holes: list[str] = []
    for address, attribute, value in sorted(second):
        later = [one for one in third if one[:2] == (address, attribute)]
        if later and value == _UNKNOWN and _IMPURE.search(json.dumps(bodies.get(address))):
            found.setdefault(address, {})[attribute] = "wants another value with each plan"
        elif (address, attribute, value) in third:
            holes.append(f"the emulator does not keep {attribute} of {address.partition('.')[0]}")
        elif later:
            found.setdefault(address, {})[attribute] = "wants another value with each plan"
        elif others := sorted({one[0] for one in third - second} - {address}):
            found.setdefault(address, {})[attribute] = f"is undone by {', '.join(others)}"
        else:
            holes.append(f"{address} needs a second apply for {attribute} on the emulator")
    return tuple(_drifting(address, why, view) for address, why in sorted(found.items())), tuple(dict.fromkeys(holes))


def _drifting(address: str, why: Mapping[str, str], view: StackView) -> Diagnostic:
    place = view.location(address)
    reasons = "; ".join(f"{attribute} {reason}" for attribute, reason in sorted(why.items()))
    message = f"{DRIFT}: a second plan, right after the apply, would change {address} again: {reasons}"
    kind = address.partition(".")[0]
    return Diagnostic("apply", DRIFT, message, (place,) if place else (), address, (*sorted(why), kind))


def _changes(plan: Mapping[str, Any] | None, created: Mapping[str, Mapping[str, Any]]) -> set[Change]:
    """What a plan would change on resources that are there (address to body), attribute by attribute; what is computed says nothing beside the rest."""
    found: set[Change] = set()
    for entry in (plan or {}).get("resource_changes", []):
        change, address = entry["change"], entry["address"]
        if entry.get("mode") != "managed" or change["actions"] in (["no-op"], ["read"]) or address not in created:
            continue
        before, after, unknown = (change.get(name) or {} for name in ("before", "after", "after_unknown"))
        wanted = {name: json.dumps(value, sort_keys=True) for name, value in after.items() if value is not None and value != before.get(name)}
        wanted |= {name: _UNKNOWN for name, is_unknown in unknown.items() if _any(is_unknown) and name in created[address]}
        if "tags" in wanted:
            wanted.pop("tags_all", None)
        found |= {(address, name, value) for name, value in (wanted or {"all of it": _UNKNOWN}).items()}
    return found


def _any(unknown: Any) -> bool:
    """Whether a value of `after_unknown` says that something in it is not known yet."""
    parts = unknown.values() if isinstance(unknown, dict) else unknown if isinstance(unknown, list) else ()
    return unknown is True or any(map(_any, parts))


def destroy_errors(phases: Phases, view: StackView, made: Mapping[str, Mapping[str, Any]]) -> list[Diagnostic]:
    """What destroy says and apply did not, each tied to its resource, with a code of ours where something cannot be deleted or is left."""
    if phases.destroy is None:
        return []
    report = deploy_report("destroy", phases.destroy)
    before = deploy_report("apply", phases.apply).errors if phases.apply else ()
    known = {(error["summary"], error.get("detail"), error.get("address")) for error in before}
    found = []
    for error in report.errors:
        if (error["summary"], error.get("detail"), error.get("address")) in known:
            continue
        said = read_diagnostic("apply", error, view)
        address = said.address or _address_of(said.message, report, made)
        code = NOT_DELETABLE if _NOT_DELETABLE.search(said.message) else LEFT
        place = view.location(address) if address else None
        kind = (address or "").partition(".")[0]
        symbols = tuple(dict.fromkeys(name for name in (*said.symbols, kind) if name))
        found.append(Diagnostic("apply", code, f"{code}: {steady(said.message)}", (place,) if place else said.locations, address, symbols, said.detail))
    return found


def _address_of(message: str, report: DeployReport, made: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Terraform names no address for an error of a deletion; its events name those that failed, and the message tells which by its id."""
    if match := _PREVENTED.search(message):
        return match[1]
    if len(report.failed) == 1:
        return report.failed[0]
    named = [address for address in report.failed if any(name in message for name in _ids(made.get(address, {})))]
    return named[0] if named else None


def _ids(attributes: Mapping[str, Any]) -> list[str]:
    return [value for name in ("id", "arn", "name") if isinstance(value := attributes.get(name), str) and value]
