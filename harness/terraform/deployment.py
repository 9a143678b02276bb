"""What `apply` is asked of terraform: create all stacks in one empty account, plan again, and take everything away again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from harness.terraform.calls import SeriesAnswer, StepAnswer, TerraformSeries, TerraformStep
from harness.terraform.inside.shield import RECORD
from harness.terraform.stacks import blocks, stack_folder, used_types

_QUIET = ("-json", "-input=false", "-lock=false")
_PARALLEL = "-parallelism=50"
_CREATE_SECONDS = 240.0
_PATIENCE = 90.0
_PLAN_SECONDS = 90.0
_STATE = "terraform.tfstate"
_CHANGES = 2
"""What `plan -detailed-exitcode` ends with where it would change something."""


@dataclass(frozen=True, slots=True)
class Phases:
    """What happened to one stack, phase by phase; None for a phase that was not needed or not reached.

    `second` and `third` are plans, `again` the apply between them: it is there to tell what the emulator
    does not keep (the third plan wants exactly the same once more) from resources that undo each other.
    """

    apply: StepAnswer | None = None
    second: StepAnswer | None = None
    second_plan: Mapping[str, Any] | None = None
    again: StepAnswer | None = None
    third_plan: Mapping[str, Any] | None = None
    destroy: StepAnswer | None = None

    @property
    def wall(self) -> float:
        """Seconds of terraform's own commands for this stack."""
        return sum(step.wall for step in (self.apply, self.second, self.again, self.destroy) if step is not None)


def deployment(
    stacks: Mapping[str, Any], files: Mapping[str, bytes], folders: Mapping[str, str], levels: Sequence[Sequence[str]]
) -> tuple[TerraformSeries, tuple[str, ...]]:
    """The series that deploys `stacks`, and the name of each of its rounds. `files` are all that the stacks read,
    `folders` where each of them lies, `levels` the groups that come one after the other, and go in the other order.
    """
    rounds: list[tuple[TerraformStep, ...]] = []
    names: list[str] = []

    def add(name: str, arguments: tuple[str, ...], among: Sequence[str], **fields: Any) -> int:
        rounds.append(tuple(TerraformStep(arguments, folders[stack], used_types(stacks[stack]), **fields) for stack in among))
        names.append(name)
        return len(rounds) - 1

    creating = {"timeout": _CREATE_SECONDS, "patience": _PATIENCE, "returns": (_STATE, RECORD)}
    write = (*_QUIET, "-auto-approve", "-backup=-", _PARALLEL)
    plan = ("plan", *_QUIET, "-detailed-exitcode", _PARALLEL)
    for level in levels:
        add("apply", ("apply", *write), level, **creating)
    every = [stack for level in levels for stack in level]
    second = add("second", (*plan, "-out=second.plan"), every, timeout=_PLAN_SECONDS)
    add("second_plan", ("show", "-json", "second.plan"), every, when=(second, _CHANGES))
    add("again", ("apply", *write), every, when=(second, _CHANGES), **creating)
    third = add("third", (*plan, "-out=third.plan"), every, timeout=_PLAN_SECONDS, when=(second, _CHANGES))
    add("third_plan", ("show", "-json", "third.plan"), every, when=(third, _CHANGES))
    for level in reversed(levels):
        add("destroy", ("destroy", *write), level, **creating)
    return TerraformSeries(tuple(rounds), files, emulator=True), tuple(names)


def phases(series: TerraformSeries, names: Sequence[str], answer: SeriesAnswer) -> dict[str, Phases]:
    """The answers by stack's folder."""
    found: dict[str, dict[str, Any]] = {}
    for name, steps, answers in zip(names, series.rounds, answer.rounds, strict=False):
        for step, said in zip(steps, answers, strict=True):
            if said is not None and name != "third":
                found.setdefault(step.folder, {})[name] = _plan(said) if name.endswith("_plan") else said
    return {folder: Phases(**fields) for folder, fields in found.items()}


def connected(stacks: Mapping[str, Any]) -> dict[str, Any]:
    """The stacks as they are deployed: each that reads another's state reads it where it lies here."""
    states = _owners(stacks)
    return {name: _reconnected(stack, states) for name, stack in stacks.items()}


def state_resources(step: StepAnswer | None) -> dict[str, Mapping[str, Any]]:
    """The managed resources in the state that a step handed back: address to attributes; the first instance counts."""
    try:
        state = json.loads((step.files if step else {})[_STATE])
        managed = [one for one in state["resources"] if one.get("mode") == "managed" and one.get("instances")]
        return {f"{one['type']}.{one['name']}": one["instances"][0].get("attributes") or {} for one in managed}
    except (KeyError, ValueError, TypeError):
        return {}


def _plan(said: StepAnswer) -> Mapping[str, Any] | None:
    try:
        found = json.loads(said.stdout)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def levels_of(stacks: Mapping[str, Any]) -> list[list[str]]:
    """The stacks in groups: each reads the state of stacks of earlier groups only. What goes round in a circle comes last, together."""
    reads = {name: reads_of(stacks, name) for name in stacks}
    levels: list[list[str]] = []
    left = dict(reads)
    while left:
        ready = sorted(name for name, needed in left.items() if not needed & left.keys()) or sorted(left)
        levels.append(ready)
        left = {name: needed for name, needed in left.items() if name not in ready}
    return levels


def reads_of(stacks: Mapping[str, Any], name: str) -> set[str]:
    """The other stacks whose state a stack reads."""
    owners = _owners(stacks)
    return {owners[key] for key in _read_states(stacks[name]) if key in owners} - {name}


def _owners(stacks: Mapping[str, Any]) -> dict[str, str]:
    """Which stack keeps its state in which place."""
    return {_identity(backend): name for name, stack in stacks.items() if (backend := _backend(stack))}


def _backend(stack: Mapping[str, Any]) -> tuple[str, Any] | None:
    for block in blocks(stack.get("terraform")):
        for backend in blocks(block.get("backend")):
            for kind, settings in backend.items():
                return kind, (blocks(settings) or [{}])[0]
    return None


def _read_states(stack: Mapping[str, Any]) -> list[str]:
    return [_identity((str(body.get("backend")), (blocks(body.get("config")) or [{}])[0])) for body in _remote_states(stack)]


def _remote_states(stack: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for block in blocks(stack.get("data")):
        for entry in blocks(block.get("terraform_remote_state")):
            yield from (body for label, body in entry.items() if label != "//" and isinstance(body, dict))


def _identity(backend: tuple[str, Any]) -> str:
    """What makes two backend configurations the same state: kind, and where it lies."""
    kind, settings = backend
    places = {name: settings.get(name) for name in ("bucket", "key", "path", "prefix", "workspace_dir", "region") if settings.get(name) is not None}
    return json.dumps([kind, places], sort_keys=True)


def _reconnected(stack: Mapping[str, Any], states: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(stack))
    for body in _remote_states(changed):
        owner = states.get(_identity((str(body.get("backend")), (blocks(body.get("config")) or [{}])[0])))
        if owner is not None:
            body |= {"backend": "local", "config": {"path": f"../{PurePosixPath(stack_folder(owner)).name}/{_STATE}"}}
    return changed
