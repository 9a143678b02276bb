"""All rules over two graphs: ours, and those of plugins by the entry-point group `assay.architecture`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from harness.architecture import encryption, exposure, literals, missing
from harness.architecture.base import Rule
from harness.errors import UsageError

ENTRY_POINT_GROUP = "assay.architecture"


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule. Raises `UsageError` for a plugin that brings something else, or an id that is taken."""
    rules = [*missing.RULES, *exposure.RULES, *encryption.RULES, *literals.RULES]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        loaded = point.load()
        for rule in loaded if isinstance(loaded, (list, tuple)) else [loaded]:
            if not isinstance(rule, Rule):
                raise UsageError(f"the architecture plugin {point.name} brings {type(rule).__name__} instead of a rule", "see harness/architecture/base.py")
            if rule.id in {known.id for known in rules}:
                raise UsageError(f"the architecture plugin {point.name} brings the rule {rule.id}, which is taken", "rename the plugin's rule")
            rules.append(rule)
    return tuple(rules)
