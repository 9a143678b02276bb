"""The outside of the Rego engine: policies and plans go into the sandbox, values come out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.errors import HarnessFault
from harness.intent.rego import Kind, is_modern, package_of, read_rules
from harness.sandbox import Command, Limits, Mount
from harness.session import Session
from harness.synth.launcher import python_mounts

PACKAGE = "regorus"
"""The engine: Regorus, Microsoft's Rego interpreter, in the wheels of gordon-to-regorus. It is an optional dependency."""

_DISTRIBUTION = "gordon-to-regorus"
_INSIDE = "/assay"
_LIMITS = Limits(wall=30, memory=1024**3, processes=64, output=16 * 1024**2)


@dataclass(frozen=True, slots=True)
class Values:
    """What a policy's rules give for one plan, by name. `errors` are those that the engine could not evaluate."""

    values: Mapping[str, Any]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A policy over all plans, in their order; `error` says why there are no values."""

    plans: tuple[Values, ...] = ()
    error: str = ""


def missing_engine(session: Session) -> str:
    """Why no policy can be evaluated here, with the remedy; empty where one can."""
    if (session.toolchain.site_packages / PACKAGE).is_dir():
        return ""
    return "the Rego engine is not installed: pip install 'assay-iac[intent]'"


def engine_version() -> str:
    """The engine's version; empty where it is not installed."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return ""


def evaluate_policies(session: Session, policies: Sequence[str], plans: Sequence[Mapping[str, Any]]) -> tuple[list[Evaluated], float, float]:
    """Each policy over each plan, and what that took in seconds, wall and CPU.

    Raises `HarnessFault` for policies that do not end, or bring the engine down.
    """
    python = session.toolchain.python
    command = Command(
        argv=(str(python), "-s", "-B", f"{_INSIDE}/evaluate.py"),
        cwd="/tmp",
        env={"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"},
        mounts=(*python_mounts(session.toolchain), Mount(Path(str(resources.files("harness.intent") / "inside")), _INSIDE)),
        limits=_LIMITS,
    )
    done = session.sandbox.run(command, stdin=json.dumps({"policies": [_request(policy) for policy in policies], "inputs": list(plans)}).encode())
    if done.stopped == "time":
        raise HarnessFault(f"the case's policies did not end within {_LIMITS.wall:.0f} s", "simplify them")
    try:
        answers = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise HarnessFault(f"the Rego engine {f'went over its limit of {done.stopped}' if done.stopped else 'gave no answer'}: {said}") from error
    return [_read(answer) for answer in answers], done.wall, done.cpu


def _request(policy: str) -> dict[str, Any]:
    rules = [name for name, rule in read_rules(policy).items() if rule.kind is not Kind.FUNCTION]
    return {"text": policy, "package": package_of(policy), "rules": rules, "modern": is_modern(policy)}


def _read(answer: Mapping[str, Any]) -> Evaluated:
    if "error" in answer:
        return Evaluated(error=answer["error"])
    return Evaluated(tuple(Values(one["values"], one["errors"]) for one in answer["inputs"]))
