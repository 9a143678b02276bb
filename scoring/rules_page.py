"""The tables of docs/rules.md, and one rule explained: both from the rules themselves."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.architecture.base import Rule as Comparison
from harness.architecture.registry import all_rules as all_comparisons
from harness.constraints.base import Rule as Constraint
from harness.constraints.base import all_rules as all_constraints
from harness.errors import UsageError
from scoring.rulebook import all_rules, find_rule

START, END = "<!-- from here on: assay rules table -->", "<!-- end of the tables -->"


def tables() -> str:
    """Three tables in Markdown: classification rules in the order in which they are tried, constraints, and rules over two graphs."""
    written = [rule for rule in all_rules() if rule.examples]
    classification = [
        (f"`{rule.id}`", ", ".join(rule.gates), str(rule.category), rule.lesson.format_map({}), f"[source]({rule.documentation.partition('{')[0]})")
        for rule in written
    ]
    parts = [
        f"### Classification ({len(written)})\n\n{_table(('rule', 'gate', 'category', 'lesson', 'documentation'), classification)}",
        _graph_rules("Constraints", "over the graph of one tree", all_constraints()),
        _graph_rules("Architecture", "over a tree's graph and its ideal's", all_comparisons()),
    ]
    return "\n\n".join(parts)


def _graph_rules(name: str, over: str, rules: Iterable[Constraint | Comparison]) -> str:
    rows = [(f"`{one.id}`", str(one.severity), str(one.category), one.title, f"[source]({one.documentation})") for one in sorted(rules, key=lambda one: one.id)]
    return f"### {name}, {over} ({len(rows)})\n\n{_table(('rule', 'severity', 'category', 'what it finds', 'documentation'), rows)}"


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [" | ".join(headings), " | ".join("---" for _ in headings), *(" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def with_tables(page: str) -> str:
    """The page with what stands between its two marks made anew. Raises `UsageError` for a page without marks."""
    if page.count(START) != 1 or page.count(END) != 1:
        raise UsageError("the page has no place for the tables", f"put the lines {START} and {END} where they belong")
    return re.sub(f"{re.escape(START)}.*{re.escape(END)}", lambda match: f"{START}\n{tables()}\n{END}", page, flags=re.DOTALL)


def update(path: Path) -> None:
    """Write the tables into a page. Raises `UsageError` as `with_tables` does."""
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


def explain(rule_id: str) -> dict[str, Any]:
    """All that is known of one rule, as plain data, its examples included. Raises `UsageError` for an id that nobody has."""
    judged = find_rule(rule_id)
    if judged is None:
        raise UsageError(f"there is no rule {rule_id}", "see: assay rules")
    described: dict[str, Any] = {
        "id": judged.id,
        "title": judged.title,
        "gates": ", ".join(judged.gates),
        "severity": str(judged.severity) if judged.severity else "by gate",
        "category": str(judged.category),
        "root_cause": judged.root_cause,
        "impact": judged.impact,
        "lesson": judged.lesson,
        "documentation": judged.documentation,
    }
    over_graphs: list[Constraint | Comparison] = [*all_constraints(), *all_comparisons()]
    over_graph = next((one for one in over_graphs if one.id == rule_id), None)
    if over_graph is None:
        return described | {"messages": [example.message for example in judged.examples]}
    if not judged.examples:
        del described["root_cause"]  # it is the finding's own sentence
    described |= {"title": over_graph.title, "checks": _doc(over_graph.check)}
    return described | {"refuses": [_plain(one) for one in over_graph.bad], "lets pass": [_plain(one) for one in over_graph.good]}


def _doc(check: Callable[..., object]) -> str:
    """What a check says of itself; of one that is another with some arguments filled in, what that says."""
    while isinstance(check, partial):
        check = check.func
    return inspect.getdoc(check) or ""


def _plain(example: Mapping[str, Any] | tuple[Mapping[str, Any], Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(example, tuple):
        return {"tree": dict(example[0]), "ideal": dict(example[1])}
    return dict(example)


def as_text(described: Mapping[str, Any]) -> str:
    """An explained rule as text for a terminal: one paragraph an entry, examples as JSON."""
    paragraphs = []
    for name, value in described.items():
        if isinstance(value, list):
            shown = [json.dumps(one, indent=2) if isinstance(one, dict) else str(one) for one in value]
            paragraphs += [f"{name.replace('_', ' ')}:\n" + "\n\n".join(shown)] if shown else []
        else:
            paragraphs.append(f"{name.replace('_', ' ')}: {value}")
    return "\n".join(paragraphs)
