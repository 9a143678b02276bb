"""Rules on ElastiCache: replication groups, their parameter groups, and their users."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import all_referred, referred
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, number, text, truth
from harness.failures import Category, Severity

_GROUP, _PARAMETERS = "aws_elasticache_replication_group", "aws_elasticache_parameter_group"


def tokens_need_tls(graph: ResourceGraph) -> Iterator[Violation]:
    """An AUTH token (and a user group) goes over TLS only: ElastiCache refuses it without encryption in transit."""
    for node in graph.of_type(_GROUP):
        encrypted = node.arguments.get("transit_encryption_enabled")
        for name in ("auth_token", "user_group_ids"):
            if node.arguments.get(name) and (encrypted is None or truth(graph, encrypted) is False):
                message = f"{node.address}: {name} needs transit_encryption_enabled"
                yield Violation(message, (node,), ("transit_encryption_enabled", name, node.type), node.address)


def shards_fail_over(graph: ResourceGraph) -> Iterator[Violation]:
    """Several shards (cluster mode) need automatic failover and a parameter group with cluster mode on."""
    for node in graph.of_type(_GROUP):
        shards = number(graph, node.arguments.get("num_node_groups")) or 0
        failover = node.arguments.get("automatic_failover_enabled")
        if shards < 2:
            continue
        if failover is None or truth(graph, failover) is False:
            message = f"{node.address}: {shards:g} node groups need automatic_failover_enabled"
            yield Violation(message, (node,), ("automatic_failover_enabled", "num_node_groups", node.type), node.address)
        elif (group := _without_cluster_mode(graph, node)) is not None:
            message = f"{node.address}: {shards:g} node groups need a parameter group with cluster mode on, and {group} has it off"
            yield Violation(message, (node,), ("parameter_group_name", group, "num_node_groups", node.type), node.address)


def _without_cluster_mode(graph: ResourceGraph, node: Node) -> str | None:
    """The parameter group, where its cluster mode is certainly off."""
    value = node.arguments.get("parameter_group_name")
    name = text(graph, value) or ""
    if re.fullmatch(r"default\.(redis|valkey)[\dx.]+", name):
        return name
    group = referred(graph, value, _PARAMETERS)
    if group is None or is_dynamic(group.arguments, "parameter"):
        return None
    modes = [text(graph, each.get("value")) for each in blocks(group.arguments, "parameter") if each.get("name") == "cluster-enabled"]
    return group.address if modes in ([], ["no"]) else None


def parameter_families(graph: ResourceGraph) -> Iterator[Violation]:
    """The parameter group's family is that of the engine and its version."""
    for node in graph.of_type(_GROUP, "aws_elasticache_cluster"):
        engine = text(graph, node.arguments.get("engine") or ("redis" if node.type == _GROUP else None))
        version, value = text(graph, node.arguments.get("engine_version")), node.arguments.get("parameter_group_name")
        group = referred(graph, value, _PARAMETERS)
        match = re.fullmatch(r"default\.((?:redis|valkey|memcached)[\dx.]+?)(?:\.cluster\.on)?", text(graph, value) or "")
        family = text(graph, group.arguments.get("family")) if group else match and match[1]
        wanted = _family(engine, version)
        if family and wanted and not family.startswith(wanted):
            kept = f" {version}" if version else ""
            message = f"{node.address}: its parameter group is of the family {family}, and {engine}{kept} wants {wanted}"
            yield Violation(message, (node, *([group] if group else [])), ("parameter_group_name", family, "engine_version", node.type), node.address)


def _family(engine: str | None, version: str | None) -> str | None:
    """The family of an engine's version; of all its versions the engine's name, which they begin with."""
    if engine not in ("redis", "valkey", "memcached"):
        return None
    parts = (version or "").split(".")
    if engine == "memcached" or not parts[0].isdigit():
        return engine
    major = int(parts[0])
    if engine == "valkey" or major >= 7:
        return f"{engine}{major}"
    return "redis6.x" if major == 6 else f"redis{'.'.join(parts[:2])}"


def user_groups_have_a_default(graph: ResourceGraph) -> Iterator[Violation]:
    """A user group of Redis has a user named `default`."""
    for node in graph.of_type("aws_elasticache_user_group"):
        users = all_referred(graph, node.arguments.get("user_ids") or [], "aws_elasticache_user")
        names = [text(graph, user.arguments.get("user_name")) for user in users or ()]
        redis = (text(graph, node.arguments.get("engine")) or "").lower() == "redis"
        # Users can be put into the group by associations too.
        apart = any(graph.of_type("aws_elasticache_user_group_association"))
        if redis and users is not None and not apart and None not in names and "default" not in names:
            message = f"{node.address}: none of its users is named default ({', '.join(map(str, names)) or 'it has none'}), and a Redis user group needs one"
            yield Violation(message, (node, *users), ("user_name", "default", "user_ids", node.type), node.address)


def _group(**arguments: Any) -> dict[str, Any]:
    return {"resource": {_GROUP: {"main": {"description": "cache", "engine": "redis", **arguments}}}}


def _own(family: str, *parameters: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    stack = _group(parameter_group_name="${aws_elasticache_parameter_group.main.name}", **arguments)
    stack["resource"][_PARAMETERS] = {"main": {"family": family, "parameter": list(parameters)}}
    return stack


def _users(*names: str, engine: str = "REDIS", others: tuple[str, ...] = ()) -> dict[str, Any]:
    users = {f"u{place}": {"user_name": name, "engine": engine} for place, name in enumerate(names)}
    ids = [*(f"${{aws_elasticache_user.{user}.user_id}}" for user in users), *others]
    return {"resource": {"aws_elasticache_user": users, "aws_elasticache_user_group": {"main": {"engine": engine, "user_ids": ids}}}}


_SHARDS = {"num_node_groups": 2, "automatic_failover_enabled": True}
_MODE = {"name": "cluster-enabled", "value": "yes"}
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"


def _rule(id: str, title: str, check: Any, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...], page: str = _PAGE) -> Rule:
    return Rule(id, title, Severity.HIGH, Category.AWS_CONSTRAINT, page, check, bad, good)


RULES = (
    _rule(
        "elasticache-token-without-tls",
        "AUTH token without encryption in transit",
        tokens_need_tls,
        (_group(auth_token="${var.token}"), _group(user_group_ids=["${aws_elasticache_user_group.main.id}"], transit_encryption_enabled=False)),
        (
            _group(auth_token="${var.token}", transit_encryption_enabled=True),
            _group(auth_token="${var.token}", transit_encryption_enabled="${var.tls}"),
            _group(),
        ),
    ),
    _rule(
        "elasticache-shards",
        "Several node groups without failover or cluster mode",
        shards_fail_over,
        (
            _group(num_node_groups=2),
            _group(parameter_group_name="default.redis7", **_SHARDS),
            _own("redis7", {"name": "maxmemory-policy", "value": "allkeys-lru"}, **_SHARDS),
        ),
        (
            _group(**_SHARDS),
            _group(parameter_group_name="default.redis7.cluster.on", **_SHARDS),
            _own("redis7", _MODE, **_SHARDS),
            _group(num_node_groups=1),
            _group(num_node_groups="${var.shards}"),
        ),
    ),
    _rule(
        "elasticache-parameter-family",
        "Parameter group of another engine or version",
        parameter_families,
        (
            _group(parameter_group_name="default.redis6.x", engine_version="7.1"),
            _group(parameter_group_name="default.redis7", engine="valkey", engine_version="8.0"),
            _own("redis7", engine_version="6.2"),
            _own("valkey8"),
        ),
        (
            _group(parameter_group_name="default.redis7", engine_version="7.0"),
            _group(parameter_group_name="default.redis7.cluster.on", engine_version="7.1"),
            _group(parameter_group_name="default.redis6.x", engine_version="6.2"),
            _group(parameter_group_name="default.redis5.0", engine_version="5.0.6"),
            _own("redis7"),
            _group(parameter_group_name="own-group", engine_version="7.0"),
        ),
    ),
    _rule(
        "elasticache-default-user",
        "Redis user group without the user default",
        user_groups_have_a_default,
        (_users("app"), _users("app", "reader")),
        (_users("default", "app"), _users("app", engine="VALKEY"), _users("app", others=("default",))),
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html",
    ),
)
