"""Rules on Aurora clusters: what their instances, capacities and global databases have to agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import group, referred
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, is_repeated, number, text
from harness.failures import Category, Severity

_CLUSTER, _INSTANCE, _GLOBAL = "aws_rds_cluster", "aws_rds_cluster_instance", "aws_rds_global_cluster"
_SCALING = "serverlessv2_scaling_configuration"
_SERVERLESS = "db.serverless"


def _pairs(graph: ResourceGraph) -> Iterator[tuple[Node, Node]]:
    """Every cluster instance whose cluster is known, with it."""
    for instance in graph.of_type(_INSTANCE):
        cluster = referred(graph, instance.arguments.get("cluster_identifier"), _CLUSTER)
        if cluster is not None:
            yield instance, cluster


def instances_have_the_engine(graph: ResourceGraph) -> Iterator[Violation]:
    """An instance has its cluster's engine and version."""
    for instance, cluster in _pairs(graph):
        engine, wanted = text(graph, instance.arguments.get("engine")), text(graph, cluster.arguments.get("engine"))
        if engine and wanted and engine != wanted:
            message = f"{instance.address}: its engine is {engine}, and that of its cluster {cluster.address} {wanted}"
            yield Violation(message, (instance, cluster), ("engine", engine, wanted, instance.type), instance.address)


def instance_classes(graph: ResourceGraph) -> Iterator[Violation]:
    """Aurora has no micro classes; PostgreSQL and MySQL 8 (Aurora MySQL 3) have no small ones either."""
    for instance in graph.of_type(_INSTANCE):
        engine, name = text(graph, instance.arguments.get("engine")), text(graph, instance.arguments.get("instance_class")) or ""
        match = re.fullmatch(r"db\.t\d\w*\.(micro|small)", name)
        if match and (engine == "aurora-postgresql" or (engine == "aurora-mysql" and match[1] == "micro")):
            message = f"{instance.address}: {engine} does not run on {name}; its smallest T classes are medium"
            yield Violation(message, (instance,), ("instance_class", name, instance.type), instance.address)


def serverless_has_capacities(graph: ResourceGraph) -> Iterator[Violation]:
    """A `db.serverless` instance needs the cluster's Serverless v2 capacities before it is made."""
    for instance, cluster in _pairs(graph):
        serverless = text(graph, instance.arguments.get("instance_class")) == _SERVERLESS
        if serverless and not blocks(cluster.arguments, _SCALING) and not is_dynamic(cluster.arguments, _SCALING):
            message = f"{instance.address}: it is {_SERVERLESS}, and its cluster {cluster.address} has no {_SCALING}"
            yield Violation(message, (instance, cluster), (_SCALING, _SERVERLESS, cluster.type), instance.address)


def capacities_have_instances(graph: ResourceGraph) -> Iterator[Violation]:
    """Serverless v2 capacities apply to `db.serverless` instances: with fixed classes alone nothing scales."""
    instances: dict[str, list[Node]] = {}
    for instance in graph.of_type(_INSTANCE):
        cluster = referred(graph, instance.arguments.get("cluster_identifier"), _CLUSTER)
        if cluster is None:
            return
        instances.setdefault(cluster.address, []).append(instance)
    for cluster in graph.of_type(_CLUSTER):
        members = instances.get(cluster.address, [])
        classes = [text(graph, member.arguments.get("instance_class")) for member in members]
        if blocks(cluster.arguments, _SCALING) and classes and all(name not in (None, _SERVERLESS) for name in classes):
            message = f"{cluster.address}: it has a {_SCALING}, and none of its instances is {_SERVERLESS} ({group(members)})"
            yield Violation(message, (cluster, *members), (_SCALING, "instance_class", cluster.type), cluster.address)


def capacities_make_a_range(graph: ResourceGraph) -> Iterator[Violation]:
    """Serverless v2 capacities go in halves from the lower to the higher."""
    for cluster in graph.of_type(_CLUSTER):
        for scaling in blocks(cluster.arguments, _SCALING):
            least, most = number(graph, scaling.get("min_capacity")), number(graph, scaling.get("max_capacity"))
            odd = [value for value in (least, most) if value is not None and value * 2 % 1]
            if least is not None and most is not None and least > most:
                wrong = f"min_capacity {least:g} is above max_capacity {most:g}"
            elif odd:
                wrong = f"the capacity {odd[0]:g} is no multiple of 0.5"
            else:
                continue
            yield Violation(f"{cluster.address}: {wrong}", (cluster,), ("min_capacity", "max_capacity", _SCALING, cluster.type), cluster.address)


def no_serverless_v1(graph: ResourceGraph) -> Iterator[Violation]:
    """Aurora Serverless v1 ended on 31 March 2025; v2 clusters are `provisioned` with `db.serverless` instances."""
    for cluster in graph.of_type(_CLUSTER):
        if text(graph, cluster.arguments.get("engine_mode")) == "serverless":
            instead = f"v2 is engine_mode provisioned with {_SERVERLESS} instances"
            message = f"{cluster.address}: engine_mode serverless is Aurora Serverless v1, which has ended; {instead}"
            yield Violation(message, (cluster,), ("engine_mode", "serverless", "scaling_configuration", cluster.type), cluster.address)


def backtrack_is_mysqls(graph: ResourceGraph) -> Iterator[Violation]:
    """Only Aurora MySQL goes back in time in place."""
    for cluster in graph.of_type(_CLUSTER):
        if number(graph, cluster.arguments.get("backtrack_window")) and text(graph, cluster.arguments.get("engine")) == "aurora-postgresql":
            message = f"{cluster.address}: backtrack_window is for aurora-mysql, and the engine is aurora-postgresql"
            yield Violation(message, (cluster,), ("backtrack_window", "aurora-postgresql", cluster.type), cluster.address)


def clusters_have_instances(graph: ResourceGraph) -> Iterator[Violation]:
    """An Aurora cluster without instances keeps data that nobody can reach."""
    instances = list(graph.of_type(_INSTANCE))
    used = [referred(graph, instance.arguments.get("cluster_identifier"), _CLUSTER) for instance in instances]
    named = {target.address for instance in instances for target in graph.targets(instance.arguments.get("cluster_identifier"))}
    for cluster in graph.of_type(_CLUSTER):
        aurora = (text(graph, cluster.arguments.get("engine")) or "").startswith("aurora")
        mode = text(graph, cluster.arguments.get("engine_mode") or "provisioned")
        known = all(use is not None or cluster.address in named for use in used)
        # A cluster that only joins a global database may be meant to have no instance ("headless").
        if aurora and mode == "provisioned" and known and cluster.address not in named and not cluster.arguments.get("global_cluster_identifier"):
            message = f"{cluster.address}: the stack has no aws_rds_cluster_instance for it, so nothing can connect to it"
            yield Violation(message, (cluster,), (_INSTANCE, "cluster_identifier", cluster.type), cluster.address)


def global_engines(graph: ResourceGraph) -> Iterator[Violation]:
    """The clusters of a global database have its engine."""
    for cluster in graph.of_type(_CLUSTER):
        whole = referred(graph, cluster.arguments.get("global_cluster_identifier"), _GLOBAL)
        engine, wanted = text(graph, cluster.arguments.get("engine")), text(graph, whole.arguments.get("engine")) if whole else None
        if whole and engine and wanted and wanted != engine:
            message = f"{cluster.address}: its engine is {engine}, and that of {whole.address} {wanted}"
            yield Violation(message, (cluster, whole), ("engine", engine, wanted, cluster.type), cluster.address)


def one_master_of_a_global_database(graph: ResourceGraph) -> Iterator[Violation]:
    """A global database has one primary; its other clusters replicate, and RDS refuses a master user for them."""
    members: dict[str, list[Node]] = {}
    for cluster in graph.of_type(_CLUSTER):
        whole = referred(graph, cluster.arguments.get("global_cluster_identifier"), _GLOBAL)
        if whole is not None and not is_repeated(cluster) and cluster.arguments.get("master_username"):
            members.setdefault(whole.address, []).append(cluster)
    for address, masters in members.items():
        if len(masters) > 1:
            whole = graph.by_address[address]
            message = f"{address}: {group(masters)} all have a master_username, and only the primary cluster takes one"
            yield Violation(message, (masters[-1], *masters[:-1], whole), ("master_username", "master_password", _CLUSTER), address)


def _cluster(instances: Any = None, **arguments: Any) -> dict[str, Any]:
    members = {name: {"cluster_identifier": "${aws_rds_cluster.main.id}", **given} for name, given in (instances or {}).items()}
    return {"resource": {_CLUSTER: {"main": {"engine": "aurora-postgresql", **arguments}}, _INSTANCE: members}}


def _one(instance: Any = "db.r6g.large", engine: Any = "aurora-postgresql", **arguments: Any) -> dict[str, Any]:
    return _cluster({"one": {"instance_class": instance, "engine": engine}}, **arguments)


def _global(*clusters: Mapping[str, Any], engine: str = "aurora-mysql") -> dict[str, Any]:
    joined: dict[str, Any] = {"engine": "aurora-mysql", "global_cluster_identifier": "${aws_rds_global_cluster.main.id}"}
    return {"resource": {_GLOBAL: {"main": {"engine": engine}}, _CLUSTER: {f"c{place}": {**joined, **given} for place, given in enumerate(clusters)}}}


_CAPACITIES = {_SCALING: {"min_capacity": 0.5, "max_capacity": 4}}
_USER = {"master_username": "keeper"}
_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/"
_SERVERLESS_PAGE = _GUIDE + "aurora-serverless-v2-administration.html"


def _rule(id: str, title: str, check: Any, page: str, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...], **changed: Any) -> Rule:
    common = {"severity": Severity.HIGH, "category": Category.AWS_CONSTRAINT} | changed
    return Rule(id=id, title=title, check=check, documentation=page, bad=bad, good=good, **common)


RULES = (
    _rule(
        "aurora-instance-engine",
        "Cluster instance with another engine than its cluster",
        instances_have_the_engine,
        "https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/rds_cluster_instance",
        (_one(engine="aurora-mysql"), _one(engine="postgres")),
        (_one(), _one(engine="${aws_rds_cluster.main.engine}")),
    ),
    _rule(
        "aurora-instance-class",
        "Class that Aurora does not run on",
        instance_classes,
        _GUIDE + "Concepts.DBInstanceClass.SupportAurora.html",
        (_one("db.t3.micro"), _one("db.t4g.small"), _one("db.t3.micro", engine="aurora-mysql")),
        (_one("db.t4g.medium"), _one(_SERVERLESS), _one("db.t3.small", engine="aurora-mysql"), _one("db.t3.micro", engine="postgres")),
    ),
    _rule(
        "aurora-serverless-capacity-missing",
        "Serverless instance in a cluster without capacities",
        serverless_has_capacities,
        _SERVERLESS_PAGE,
        (_one(_SERVERLESS),),
        (_one(_SERVERLESS, **_CAPACITIES), _one()),
    ),
    _rule(
        "aurora-serverless-capacity-unused",
        "Serverless capacities without a serverless instance",
        capacities_have_instances,
        _SERVERLESS_PAGE,
        (_one(**_CAPACITIES),),
        (_one(_SERVERLESS, **_CAPACITIES), _one("${var.size}", **_CAPACITIES), _cluster(**_CAPACITIES)),
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
    ),
    _rule(
        "aurora-serverless-capacity-range",
        "Serverless capacities are no range of halves",
        capacities_make_a_range,
        _SERVERLESS_PAGE,
        (_cluster(**{_SCALING: {"min_capacity": 4, "max_capacity": 2}}), _cluster(**{_SCALING: [{"min_capacity": 0.75, "max_capacity": 2}]})),
        (_cluster(**_CAPACITIES), _cluster(**{_SCALING: {"min_capacity": "2", "max_capacity": "2"}}), _cluster(**{_SCALING: {"min_capacity": "${var.least}"}})),
    ),
    _rule(
        "aurora-serverless-v1",
        "Aurora Serverless v1",
        no_serverless_v1,
        _GUIDE + "aurora-serverless.html",
        (_cluster(engine_mode="serverless"),),
        (_cluster(engine_mode="provisioned"), _cluster(), _cluster(engine_mode="${var.mode}")),
    ),
    _rule(
        "aurora-backtrack",
        "Backtrack in Aurora PostgreSQL",
        backtrack_is_mysqls,
        _GUIDE + "AuroraMySQL.Managing.Backtrack.html",
        (_cluster(backtrack_window=3600),),
        (_cluster(backtrack_window=0), _cluster(backtrack_window=3600, engine="aurora-mysql"), _cluster()),
    ),
    _rule(
        "aurora-without-instances",
        "Aurora cluster without instances",
        clusters_have_instances,
        _GUIDE + "Aurora.CreateInstance.html",
        (_cluster(),),
        (
            _one(),
            _cluster({"one": {"count": 2}}),
            _cluster({"one": {"cluster_identifier": "${var.cluster}"}}),
            _cluster(engine_mode="serverless"),
            _cluster(engine="postgres"),
        ),
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
    ),
    _rule(
        "aurora-global-engine",
        "Cluster with another engine than its global database",
        global_engines,
        _GUIDE + "aurora-global-database-getting-started.html",
        (_global({}, engine="aurora-postgresql"),),
        (_global({}), _global({"engine": "${var.engine}"})),
    ),
    _rule(
        "aurora-global-master",
        "Master user in more than one cluster of a global database",
        one_master_of_a_global_database,
        "https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/rds_global_cluster",
        (_global(_USER, _USER),),
        (_global(_USER, {}), _global(_USER)),
    ),
)
