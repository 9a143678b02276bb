"""The intent gate: the plan does what the case's policies ask for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.case import Case, Policy
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.intent.decide import Breach, UndecidedError, breaches
from harness.intent.evaluation import Evaluated, engine_version, evaluate_policies, missing_engine
from harness.intent.rego import RegoRule, read_rules
from harness.session import Session
from harness.terraform.stacks import addresses, construct_paths

NO_POLICIES = "the case has no policies"
_TYPE = re.compile(r"\"(aws_\w+)\"")
_ATTRIBUTE = re.compile(r"\.(?:values|expressions|after|change)\.(?:after\.)?(\w+)")
_WORD = re.compile(r"\"([A-Za-z][\w.-]{2,60})\"")
_SYMBOLS = 12


class IntentGate:
    """Passes when every policy of the case holds for the plan of one of the stacks, and none refuses the plan of any."""

    name = "intent"
    version = "1"
    needs: tuple[str, ...] = ("synth", "validate", "plan")

    def applies(self, case: Case) -> str:
        """A case without policies asks for nothing."""
        return "" if case.policies else NO_POLICIES

    def missing(self, session: Session) -> str:
        """The Rego engine, an optional dependency."""
        return missing_engine(session)

    def key(self, subject: Subject) -> str:
        """The plans, the policies, and the lines that diagnostics point to."""
        policies = [(policy.path, policy.text, policy.rules) for policy in subject.case.policies]
        parts = [_plans(subject), policies, subject.earlier["synth"].output["lines"], engine_version()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic for each rule that says no. A policy that cannot be evaluated, or decides nothing, is no verdict."""
        plans = _plans(subject)
        policies = subject.case.policies
        answers, wall, cpu = evaluate_policies(session, [policy.text for policy in policies], [plans[name] for name in sorted(plans)])
        problems: list[Diagnostic] = []
        holes: list[str] = []
        for policy, answer in zip(policies, answers, strict=True):
            rules = read_rules(policy.text)
            try:
                found = _refused(policy, rules, answer)
            except UndecidedError as error:
                holes.append(f"{policy.path}: {error}")
                continue
            problems += [_diagnostic(policy, breach, rules, subject) for breach in found]
        status = Status.FAIL if problems else Status.INCONCLUSIVE if holes else Status.PASS
        reason = "; ".join(holes) if status is Status.INCONCLUSIVE else ""
        # Plan and policies decide it all; an engine that does not get through raises.
        return GateResult(self.name, status, tuple(problems), reason, {"policies": len(policies), "holes": holes}, wall, cpu, lasting=True)


def _plans(subject: Subject) -> Mapping[str, Any]:
    plans: Mapping[str, Any] = subject.earlier["plan"].output.get("plans", {})
    return plans


def _refused(policy: Policy, rules: Mapping[str, RegoRule], answer: Evaluated) -> list[Breach]:
    """What the policy has against the plans: what it refuses in any of them, and what no single one of them satisfies."""
    if answer.error:
        raise UndecidedError(f"it cannot be read: {answer.error}")
    if not answer.plans:
        raise UndecidedError("there is no plan to hold it against")
    each = [breaches(rules, values, policy.rules) for values in answer.plans]
    said = [breach for found in each for breach in found if breach.message]
    lacking = min(([breach for breach in found if not breach.message] for found in each), key=len)
    return list(dict.fromkeys(said + lacking))


def _diagnostic(policy: Policy, breach: Breach, rules: Mapping[str, RegoRule], subject: Subject) -> Diagnostic:
    written = "\n\n".join(rule.text for rule in _with_used(breach.rule, rules))
    concerned = _concerned(f"{breach.message} {written}", breach, subject)
    words = [*_ATTRIBUTE.findall(written), *_WORD.findall(written)]
    return Diagnostic(
        gate=IntentGate.name,
        code=breach.rule,
        message=f"{policy.path}: {breach.rule}: {breach.message}" if breach.message else f"{policy.path}: {breach.rule} does not hold",
        locations=_places([address for address, _ in concerned], subject),
        symbols=tuple(dict.fromkeys([*_TYPE.findall(written), *words]))[:_SYMBOLS] or (breach.rule,),
        detail=written[:4000],
        path=concerned[0][1] if concerned else None,
    )


def _with_used(name: str, rules: Mapping[str, RegoRule]) -> Iterator[RegoRule]:
    """The rule, and those that it rests on."""
    waiting, seen = [name], {name}
    while waiting:
        rule = rules[waiting.pop(0)]
        yield rule
        following = [other for other in rules if other in rule.uses and other not in seen]
        seen |= set(following)
        waiting += following


def _concerned(text: str, breach: Breach, subject: Subject) -> list[tuple[str, str]]:
    """Address and construct path of the resources that a refusal names, else of those of the types that the rule speaks of."""
    known = [(address, paths.get(address, "")) for stack in subject.stacks().values() for paths in [construct_paths(stack)] for address in addresses(stack)]
    named = [one for one in known if re.search(rf"(?<![\w.-]){re.escape(one[0])}(?![\w-])", breach.message)]
    types = _TYPE.findall(text)
    return named or sorted((one for one in known if _type_of(one[0]) in types), key=lambda one: types.index(_type_of(one[0])))


def _type_of(address: str) -> str:
    return address.removeprefix("data.").partition(".")[0]


def _places(found: Sequence[str], subject: Subject) -> tuple[Location, ...]:
    """The lines of the resources; where there are none, the place where the tree begins its first one."""
    lines: Mapping[str, Sequence[Any]] = subject.earlier["synth"].output["lines"]
    paths = {address: path for stack in subject.stacks().values() for address, path in construct_paths(stack).items()}
    places = [Location(*lines[paths[address]]) for address in found if paths.get(address) in lines]
    if not places and lines:
        places = [min(Location(*place) for place in lines.values())]
    return tuple(dict.fromkeys(places))
