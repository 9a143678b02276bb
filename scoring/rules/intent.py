"""What the case's own policies have against the plan, at intent."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import Example, Rule

_POLICY_DOCS = "https://www.openpolicyagent.org/docs/latest/terraform/"
_NOT_ASKED = "The stack can be deployed, and is not what was asked for."

RULES = (
    Rule(
        id="intent-not-met",
        gates=("intent",),
        pattern=r"^(?P<policy>\S+): (?P<asked>\w+) does not hold$",
        category=Category.ARCHITECTURE,
        symbols=("asked",),
        title="The plan does not satisfy {asked}",
        root_cause="{policy} says what was asked for, and its rule {asked} is not true of the plan: what it looks for is missing or has another value.",
        impact=_NOT_ASKED,
        lesson="Requirements: build every resource that the prompt asks for, with the values that it names, and connect them as it says.",
        documentation=_POLICY_DOCS,
        examples=(
            Example(
                "intent",
                "is_valid_zone",
                "policies/intent.rego: is_valid_zone does not hold",
                address=None,
                symbols=("aws_route53_zone", "name", "example53.com"),
                files=("main.tf",),
            ),
        ),
    ),
    Rule(
        id="intent-refused",
        gates=("intent",),
        pattern=r"^(?P<policy>\S+): (?P<refusing>\w+): (?P<said>(?s:.+))$",
        category=Category.ARCHITECTURE,
        symbols=("said",),
        title="A policy of the case refuses the plan: {said}",
        root_cause="{policy} says what the stack may not have, and its rule {refusing} found it in the plan: {said}.",
        impact=_NOT_ASKED,
        lesson="Requirements: what the prompt rules out may not come back as a default or a convenience.",
        documentation=_POLICY_DOCS,
        examples=(
            Example(
                "intent",
                "deny",
                "policies/limits.rego: deny: aws_security_group.web is open to the world on port 22",
                symbols=("aws_security_group", "ingress"),
                files=("main.tf",),
            ),
        ),
    ),
)
