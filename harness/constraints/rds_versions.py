"""Rules on versions of RDS's engines (dated: `dated.yaml`), and the parameter groups that go with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import referred
from harness.constraints.base import Rule, Violation
from harness.constraints.dated import section
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import text
from harness.failures import Category, Severity

_DATABASES = ("aws_db_instance", "aws_rds_cluster", "aws_rds_cluster_instance", "aws_rds_global_cluster")
_FAMILIES = {
    # How a family of each engine is written: PostgreSQL's has the major version, the others' the line of releases.
    "postgres": r"postgres(9\.\d|\d\d)",
    "aurora-postgresql": r"aurora-postgresql(9\.\d|\d\d)",
    "mysql": r"mysql\d\.\d",
    "aurora-mysql": r"aurora-mysql\d\.\d",
    "mariadb": r"mariadb\d\d\.\d+",
}
_GROUPS = ("aws_db_parameter_group", "aws_rds_cluster_parameter_group")
_PARAMETERS = {
    "aws_db_instance": ("parameter_group_name", _GROUPS[0]),
    "aws_rds_cluster_instance": ("db_parameter_group_name", _GROUPS[0]),
    "aws_rds_cluster": ("db_cluster_parameter_group_name", _GROUPS[1]),
}


def line(engine: str, version: str) -> str | None:
    """The line that a version belongs to, as families name it: `15` of PostgreSQL 15.4, `8.0` of MySQL 8.0.35."""
    match = re.match(r"(\d+)(?:\.(\d+))?", version)
    if not match:
        return None
    if engine in ("postgres", "aurora-postgresql") and int(match[1]) >= 10:
        return match[1]
    return f"{match[1]}.{match[2]}" if match[2] else None


def _versions(graph: ResourceGraph) -> Iterator[tuple[Node, str, str]]:
    """Every database whose engine and version are known."""
    for node in graph.of_type(*_DATABASES):
        engine, version = text(graph, node.arguments.get("engine")), text(graph, node.arguments.get("engine_version"))
        if engine in _FAMILIES and version:
            yield node, engine, version


def versions_exist(graph: ResourceGraph) -> Iterator[Violation]:
    """RDS takes the version of an engine: it came there, and has not ended."""
    known = section("rds-engines")
    for node, engine, version in _versions(graph):
        found, major = line(engine, version), re.match(r"\d+", version)
        name = f"{engine} {found}"
        if known.ended(name):
            message = f"{node.address}: engine_version {version}: RDS no longer takes {name}"
        elif name in known.values["never"]:
            message = f"{node.address}: engine_version {version}: RDS never had {name}"
        elif major is None or int(major[0]) >= known.values["beyond"][engine]:
            message = f"{node.address}: engine_version {version} is no version of {engine} (as of {known.as_of})"
        else:
            continue
        yield Violation(message, (node,), ("engine_version", version, engine, node.type), node.address)


def aurora_mysql_versions(graph: ResourceGraph) -> Iterator[Violation]:
    """Aurora MySQL's versions 2 and 3 are written `8.0.mysql_aurora.3.08.0`: neither MySQL's own nor Aurora's alone is one.

    From 8.4 on they are written as MySQL's own (`8.4.7`).
    """
    for node, engine, version in _versions(graph):
        if engine == "aurora-mysql" and re.fullmatch(r"(5\.\d|8\.0)\.\d+.*|[1-3]\.\d.*", version):
            message = f"{node.address}: engine_version {version} is not written as aurora-mysql's are: 8.0.mysql_aurora.3.08.0"
            yield Violation(message, (node,), ("engine_version", version, node.type), node.address)


def families_are_written(graph: ResourceGraph) -> Iterator[Violation]:
    """A parameter group's family is the engine and its line, without a patch or a hyphen: `postgres15`, `mysql8.0`."""
    for group in graph.of_type(*_GROUPS):
        family = text(graph, group.arguments.get("family")) or ""
        engine = next((name for name in sorted(_FAMILIES, key=len, reverse=True) if family.startswith(name)), None)
        if engine and not re.fullmatch(_FAMILIES[engine], family):
            message = f"{group.address}: there is no family {family}; RDS writes {'postgres15' if 'postgres' in engine else 'mysql8.0'}"
            yield Violation(message, (group,), ("family", family, group.type), group.address)


def families_fit(graph: ResourceGraph) -> Iterator[Violation]:
    """A database's parameter group is of the family of its engine and version."""
    for node in graph.of_type(*_PARAMETERS):
        name, kind = _PARAMETERS[node.type]
        group = referred(graph, node.arguments.get(name), kind)
        default = re.fullmatch(r"default\.([a-z-]+\d+(?:\.\d+)?)", text(graph, node.arguments.get(name)) or "")
        family = text(graph, group.arguments.get("family")) if group else default and default[1]
        engine, version = text(graph, node.arguments.get("engine")), text(graph, node.arguments.get("engine_version"))
        if not family or engine not in _FAMILIES:
            continue
        found = line(engine, version) if version else None
        if not re.fullmatch(_FAMILIES[engine], family) or (found and family != f"{engine}{found}"):
            wanted = f"{engine}{found}" if found else f"one of {engine}"
            message = f"{node.address}: its {name} is of the family {family}, and {engine} {version or ''} wants {wanted}".replace("  ", " ")
            yield Violation(message, (node, *([group] if group else [])), (name, family, "engine_version", node.type), node.address)


def _database(engine: str, version: object = None, kind: str = "aws_db_instance", **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": {"engine": engine, "engine_version": version, **arguments}}}}


def _family(family: str, engine: str, version: object = None) -> dict[str, Any]:
    stack = _database(engine, version, parameter_group_name="${aws_db_parameter_group.main.name}")
    stack["resource"]["aws_db_parameter_group"] = {"main": {"family": family}}
    return stack


def _rule(id: str, title: str, check: Any, page: str, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...]) -> Rule:
    return Rule(id, title, Severity.HIGH, Category.AWS_CONSTRAINT, f"https://docs.aws.amazon.com/AmazonRDS/latest/{page}", check, bad, good)


RULES = (
    _rule(
        "rds-engine-version",
        "Engine version that RDS does not take",
        versions_exist,
        "UserGuide/extended-support.html",
        (
            _database("postgres", "99.4"),
            _database("postgres", "10.21"),
            _database("mysql", "5.6.51"),
            _database("mysql", "8.1.0"),
            _database("mariadb", "10.3"),
        ),
        (
            _database("postgres", "15.4"),
            _database("postgres", "17"),
            _database("mysql", "8.4.3"),
            _database("mysql", "${var.version}"),
            _database("oracle-ee", "19"),
        ),
    ),
    _rule(
        "aurora-mysql-version",
        "Aurora MySQL version that is not written as one",
        aurora_mysql_versions,
        "AuroraUserGuide/AuroraMySQL.Updates.Versions.html",
        (_database("aurora-mysql", "8.0.35", "aws_rds_cluster"), _database("aurora-mysql", "3.04.0", "aws_rds_cluster")),
        (
            _database("aurora-mysql", "8.0.mysql_aurora.3.08.0", "aws_rds_cluster"),
            _database("aurora-mysql", "8.0"),
            _database("aurora-mysql", "8.4.7"),
            _database("mysql", "8.0.35"),
        ),
    ),
    _rule(
        "rds-parameter-family-name",
        "Parameter group family that does not exist",
        families_are_written,
        "UserGuide/USER_WorkingWithParamGroups.html",
        (_family("postgres15.4", "${var.engine}"), _family("postgres-15", "${var.engine}"), _family("mysql8", "${var.engine}")),
        (
            _family("postgres15", "postgres"),
            _family("aurora-mysql8.0", "aurora-mysql"),
            _family("mariadb10.11", "mariadb"),
            _family("oracle-ee-19", "oracle-ee"),
        ),
    ),
    _rule(
        "rds-parameter-family",
        "Parameter group of another engine or version",
        families_fit,
        "UserGuide/USER_WorkingWithParamGroups.html",
        (
            _family("postgres14", "postgres", "15.4"),
            _family("mysql8.0", "postgres"),
            _database("mysql", "8.4.3", parameter_group_name="default.mysql8.0"),
            _family("mysql8.0", "aurora-mysql", "8.0.mysql_aurora.3.08.0"),
        ),
        (
            _family("postgres15", "postgres", "15.4"),
            _family("postgres14", "postgres"),
            _family("mysql8.0", "mysql", "8.0.35"),
            _family("mysql8.0", "mysql", "8"),
            _family("aurora-mysql8.0", "aurora-mysql", "8.0.mysql_aurora.3.08.0"),
            _family("postgres14", "postgres", "${var.version}"),
        ),
    ),
)
