"""All classification rules, in the order in which they are tried: the first that holds decides."""

from __future__ import annotations

from functools import cache

from scoring.rules import arguments, blocks, constructs, graph, imports, program, provider, quality, testing, tokens
from scoring.rules.base import Rule

# Within and across modules, what is special comes before what is general.
_MODULES = (imports, arguments, blocks, tokens, constructs, program, provider, graph, testing, quality)

UNCLASSIFIED = "unclassified-"
"""What the rule of a failure begins with where no rule knows it; the gate follows."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, first match first. Raises `ValueError` for an id that is taken, or a rule without an example."""
    rules = tuple(rule for module in _MODULES for rule in module.RULES)
    ids = [rule.id for rule in rules]
    wrong = [rule.id for rule in rules if ids.count(rule.id) > 1 or not rule.examples or rule.id.startswith(UNCLASSIFIED)]
    if wrong:
        raise ValueError(f"classification rules that share an id or have no example: {', '.join(sorted(set(wrong)))}")
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
            "example": rule.examples[0].message,
        }
        for rule in all_rules()
    ]
