"""Terraform's own diagnostics, from its machine-readable output, as records of ours."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.terraform.calls import SeriesAnswer, StepAnswer, TerraformAnswer
from harness.terraform.stacks import OVERRIDE_FILE, STACK_FILE, addresses, construct_paths

_CONTEXT = re.compile(r"^(?:resource\.)?((?:data\.)?[A-Za-z][\w-]*\.[\w-]+)(.*)$")
_NAMELESS = re.compile(r"^(resource|data)\.([\w-]+)$")
"""An error about a block as a whole: its name is the key that it stands under."""
_TYPE_ONLY = re.compile(r"^(resource|data)$")
_LABEL = re.compile(r' "([\w-]+)"')
_KEY = re.compile(r'^\s*(?=[\w"-])"?([\w-]+)"?\s*(?::|=(?!=)|\{)')
"""The name in front of a value, in JSON (`"name": `) and in HCL (`name = `, `name {`)."""
_QUOTED = re.compile(r'"([A-Za-z][\w.-]*)"')
_EXPECTED = re.compile(r"^(?:expected|invalid value for) \(?([\w.]+)\)?")
_REQUIRED = re.compile(r'^The argument "([\w-]+)" is required')
_POSITION = re.compile(r"(\.tf(?:\.json)?):\d+,\d+-\d+(?:,\d+)?")
_INDEX = re.compile(r"\[[^\]]*\]|\.\d+\b")
_DETAIL_SIZE = 4000
_PLANNED = (0, 2)
"""How a plan ends: 2 where `-detailed-exitcode` says that there is something to do."""


@dataclass(frozen=True, slots=True)
class StackView:
    """What is needed to say where a diagnostic belongs: the stack and the source line of each construct."""

    stack: Mapping[str, Any]
    lines: Mapping[str, Any]

    def location(self, address: str) -> Location | None:
        """The line that made the resource at `address`."""
        place = self.lines.get(construct_paths(self.stack).get(_INDEX.sub("", address), ""))
        return Location(str(place[0]), int(place[1])) if place else None


def validate_errors(answer: TerraformAnswer) -> list[dict[str, Any]]:
    """The error diagnostics of `terraform validate -json`. Raises `HarnessFault` for output that is none."""
    try:
        found = json.loads(answer.stdout)["diagnostics"]
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessFault(f"terraform validate gave no answer: {(answer.stderr or answer.stdout).strip()[-400:]}", "run `assay doctor`") from error
    return [one for one in found if one["severity"] == "error"]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What `terraform plan -json` said: errors, how many resources each action concerns, and what was still being read at its end."""

    errors: tuple[Mapping[str, Any], ...]
    actions: Mapping[str, int]
    pending: tuple[str, ...]


def plan_report(answer: TerraformAnswer | StepAnswer) -> PlanReport:
    """Read the events of a plan. Raises `HarnessFault` where a plan that had its time says neither what it plans nor what is wrong."""
    errors, actions, pending, finished = [], Counter[str](), dict[str, None](), False
    for event in _events(answer.stdout):
        kind = event.get("type")
        if kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            errors.append(event["diagnostic"])
        elif kind == "planned_change":
            actions[event["change"]["action"]] += 1
        elif kind == "apply_progress":
            pending[event["hook"]["resource"]["addr"]] = None
        elif kind == "apply_complete":
            pending.pop(event["hook"]["resource"]["addr"], None)
        finished |= kind == "change_summary"
    if not errors and not answer.timed_out and not (finished and answer.exit_code in _PLANNED):
        raise HarnessFault(f"terraform plan gave no answer: {(answer.stderr or answer.stdout).strip()[-400:]}", "run `assay doctor`")
    return PlanReport(tuple(errors), dict(sorted(actions.items())), tuple(pending))


def saved_plan(answer: SeriesAnswer) -> dict[str, Any] | None:
    """The plan that `terraform show -json` printed in the round after planning; None where there was nothing to show.

    Raises `HarnessFault` for output that is none.
    """
    shown = answer.rounds[1][0] if len(answer.rounds) > 1 else None
    if shown is None or shown.timed_out:
        return None
    try:
        found = json.loads(shown.stdout)
    except ValueError as error:
        raise HarnessFault(f"terraform show printed no plan: {(shown.stderr or shown.stdout).strip()[:200]}", "run `assay doctor`") from error
    return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class DeployReport:
    """What `terraform apply -json` or `destroy -json` said: errors, the resources that are done, that failed, and that were still under way."""

    errors: tuple[Mapping[str, Any], ...]
    done: tuple[str, ...]
    failed: tuple[str, ...]
    pending: tuple[str, ...]


def deploy_report(command: str, answer: StepAnswer) -> DeployReport:
    """Read the events of an apply or a destroy. Raises `HarnessFault` where one that had its time says neither that it is done nor what is wrong."""
    errors, finished = [], False
    done, failed, pending = dict[str, None](), dict[str, None](), dict[str, None]()
    for event in _events(answer.stdout):
        kind = event.get("type")
        if kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            errors.append(event["diagnostic"])
        elif kind in ("apply_start", "apply_complete", "apply_errored") and event["hook"].get("action") != "read":
            address = event["hook"]["resource"]["addr"]
            pending.pop(address, None)
            {"apply_start": pending, "apply_complete": done, "apply_errored": failed}[kind][address] = None
        finished |= kind == "change_summary" and event["changes"].get("operation") in ("apply", "destroy")
    if not errors and not answer.timed_out and not (finished and answer.exit_code == 0):
        raise HarnessFault(f"terraform {command} gave no answer: {(answer.stderr or answer.stdout).strip()[-400:]}", "run `assay doctor`")
    return DeployReport(tuple(errors), tuple(done), tuple(failed), tuple(pending))


def _events(output: str) -> Iterator[dict[str, Any]]:
    """The JSON lines of terraform's output; what a provider may print between them is left out."""
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def read_diagnostic(gate: str, said: Mapping[str, Any], view: StackView) -> Diagnostic:
    """One error as terraform said it, tied to its resource, its construct and the line that made it."""
    summary, detail = _in_order(said["summary"]), said.get("detail") or ""
    snippet = dict(said.get("snippet") or {})
    # HCL's `resource "aws_vpc" "main"` is `resource.aws_vpc.main` in JSON.
    snippet["context"] = _LABEL.sub(r".\1", snippet.get("context") or "")
    found = _addresses(said, snippet, view)
    places = [place for place in [_written(said), *map(view.location, found)] if place]
    message = _POSITION.sub(r"\1", f"{summary}: {detail}" if detail else summary)
    return Diagnostic(
        gate=gate,
        code=summary,
        message=message,
        locations=tuple(dict.fromkeys(places)),
        address=found[0] if found else None,
        symbols=_symbols(summary, detail, snippet, found),
        detail=json.dumps(said, indent=1)[:_DETAIL_SIZE],
    )


def _in_order(summary: str) -> str:
    """Terraform lists the members of a cycle in an order that changes from run to run."""
    head, mark, members = summary.partition("Cycle: ")
    return f"{head}{mark}{', '.join(sorted(members.split(', ')))}" if mark else summary


def _written(said: Mapping[str, Any]) -> Location | None:
    """The line that terraform names, where it is one that somebody wrote."""
    spot = said.get("range") or {}
    file = str(spot.get("filename") or "")
    return (
        Location(file, int(spot["start"]["line"])) if file.endswith((".tf", ".tf.json", ".tfvars")) and not file.endswith((STACK_FILE, OVERRIDE_FILE)) else None
    )


def _addresses(said: Mapping[str, Any], snippet: Mapping[str, Any], view: StackView) -> list[str]:
    """The resources that an error is about: terraform's word, else the block it stands in, else those it mentions."""
    if said.get("address"):
        return [said["address"]]
    context = snippet.get("context") or ""
    known = addresses(view.stack)
    if (match := _NAMELESS.match(context)) and (key := _KEY.match(snippet.get("code") or "")):
        return [f"{'data.' if match[1] == 'data' else ''}{match[2]}.{key[1]}"]
    if match := _CONTEXT.match(context):
        return [match[1]]
    if _TYPE_ONLY.match(context) and (key := _KEY.match(snippet.get("code") or "")):
        prefix = ("data." if context == "data" else "") + key[1] + "."
        return [address for address in known if address.startswith(prefix)]
    text = f"{said['summary']} {said.get('detail') or ''}"
    return [address for address in known if re.search(rf"(?<![\w.-]){re.escape(address)}(?![\w-])", text)]


def _symbols(summary: str, detail: str, snippet: Mapping[str, Any], found: list[str]) -> tuple[str, ...]:
    """Attribute (with the blocks around it), then what the message quotes, then resource types."""
    names: list[str] = []
    missing, expected = _REQUIRED.search(detail), _EXPECTED.match(summary)
    inner = missing[1] if missing else _INDEX.sub("", expected[1]) if expected else ""
    if (match := _CONTEXT.match(snippet.get("context") or "")) and not _NAMELESS.match(match[0]):
        key = _KEY.match(snippet.get("code") or "")
        blocks = _INDEX.sub("", match[2]).strip(".")
        at = ".".join(part for part in (blocks, key[1] if key else "") if part)
        # The message may name an attribute of the block that is shown, or missed in it.
        names += [f"{at}.{inner}"] if at and inner and inner.partition(".")[0] not in at.split(".") else []
        names += [at]
        names += [key[1]] if key else []
    if expected:
        names += [inner, expected[1].rpartition(".")[2]]
    names += _QUOTED.findall(f"{summary} {detail}")
    types = (address.removeprefix("data.").partition(".")[0] for address in found)
    names += [name for name in types if "_" in name]
    return tuple(dict.fromkeys(name for name in names if name))
