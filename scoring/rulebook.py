"""All classification rules, in the order in which they are tried: the first that holds decides."""

from __future__ import annotations

from collections import Counter
from functools import cache

from harness.architecture.registry import all_rules as all_comparisons
from harness.constraints.base import all_rules as all_constraints
from scoring.rules import (
    argument_types,
    arguments,
    blocks,
    combinations,
    constructs,
    deployment,
    entry,
    expressions,
    graph,
    hcl,
    imports,
    intent,
    program,
    quality,
    schema,
    security,
    silent,
    surroundings,
    testing,
    tokens,
    values,
)
from scoring.rules.base import Rule

# Within and across modules, what is special comes before what is general.
_AT_SYNTHESIS = (entry, hcl, imports, arguments, blocks, argument_types, tokens, constructs, program, surroundings)
_AT_TERRAFORM = (values, combinations, schema, expressions)
_MODULES = (*_AT_SYNTHESIS, silent, deployment, *_AT_TERRAFORM, intent, security, graph, testing, quality)

UNCLASSIFIED = "unclassified-"
"""What the rule of a failure begins with where no rule knows it; the gate follows."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, first match first, then those that speak for a rule over one graph or two. Raises `ValueError` for an id that is taken."""
    rules = (
        *(rule for module in _MODULES for rule in module.RULES),
        *graph.rules_of("constraints", all_constraints()),
        *graph.rules_of("architecture", all_comparisons()),
    )
    counts = Counter(rule.id for rule in rules)
    wrong = sorted(name for name, count in counts.items() if count > 1 or name.startswith(UNCLASSIFIED))
    if wrong:
        raise ValueError(f"classification rules whose id is taken: {', '.join(wrong)}")
    return rules


def find_rule(rule_id: str) -> Rule | None:
    """The rule of that id; None for what no rule knew, or for a rule of another version."""
    return next((rule for rule in all_rules() if rule.id == rule_id), None)


def describe_rules() -> list[dict[str, object]]:
    """Every rule as plain data, for tables and JSON."""
    return [
        {
            "id": rule.id,
            "gates": ", ".join(rule.gates),
            "category": str(rule.category),
            "severity": str(rule.severity) if rule.severity else "by gate",
            "merge": str(rule.merge),
            "title": rule.title,
            "root_cause": rule.root_cause,
            "documentation": rule.documentation,
            "example": rule.examples[0].message if rule.examples else "",
        }
        for rule in all_rules()
    ]
