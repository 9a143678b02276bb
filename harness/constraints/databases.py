"""Rules on RDS databases: names, credentials, classes, storage and windows. What is Aurora's own stands in `aurora.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import referred
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import number, text, truth
from harness.failures import Category, Severity

INSTANCE, CLUSTER = "aws_db_instance", "aws_rds_cluster"
MYSQL, POSTGRES = ("mysql", "mariadb", "aurora-mysql"), ("postgres", "aurora-postgresql")
_MISSPELT = {
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html lists the engines.
    **dict.fromkeys(("postgresql", "pg", "psql", "PostgreSQL"), "postgres"),
    # Capitals are no mistake: the provider writes the engine in small letters, and RDS takes `MySQL` too.
    **dict.fromkeys(("mysql8", "mysql8.0"), "mysql"),
    "maria": "mariadb",
    **dict.fromkeys(("sqlserver", "mssql"), "sqlserver-ex, -web, -se or -ee"),
    "oracle": "oracle-se2 or oracle-ee",
}
_CLASS_PREFIXES = {
    # By type: the argument, its prefix, and the page that lists the classes.
    INSTANCE: ("instance_class", "db."),
    "aws_rds_cluster_instance": ("instance_class", "db."),
    "aws_docdb_cluster_instance": ("instance_class", "db."),
    "aws_neptune_cluster_instance": ("instance_class", "db."),
    "aws_elasticache_cluster": ("node_type", "cache."),
    "aws_elasticache_replication_group": ("node_type", "cache."),
    "aws_memorydb_cluster": ("node_type", "db."),
    "aws_dms_replication_instance": ("replication_instance_class", "dms."),
}
_SOURCES = ("replicate_source_db", "snapshot_identifier", "restore_to_point_in_time", "s3_import", "replication_source_identifier", "global_cluster_identifier")
_PASSWORDS = ("password", "master_password", "password_wo", "master_password_wo", "manage_master_user_password")
_OTHER_LOGS = {**dict.fromkeys(MYSQL, ("postgresql", "upgrade")), **dict.fromkeys(POSTGRES, ("audit", "error", "general", "slowquery"))}
_RESERVED = {**dict.fromkeys(MYSQL, ("rdsadmin",)), **dict.fromkeys(POSTGRES, ("admin", "rdsadmin")), "docdb": ("admin", "rdsadmin")}


def engine_of(graph: ResourceGraph, node: Node) -> str | None:
    """The engine of a database, where it is a literal."""
    default = "docdb" if node.type == "aws_docdb_cluster" else None
    return text(graph, node.arguments.get("engine", default))


def engine_names(graph: ResourceGraph) -> Iterator[Violation]:
    """RDS calls its engines `postgres`, `mysql`, ...: a near miss is no engine. A standalone instance is never Aurora's."""
    for node in graph.of_type(INSTANCE):
        engine = engine_of(graph, node) or ""
        if engine in _MISSPELT:
            message = f"{node.address}: there is no engine {engine}; RDS calls it {_MISSPELT[engine]}"
        elif engine.startswith("aurora"):
            message = f"{node.address}: {engine} runs in a cluster (aws_rds_cluster with aws_rds_cluster_instance), not as an aws_db_instance"
        else:
            continue
        yield Violation(message, (node,), ("engine", engine, node.type), node.address)


def classes_have_their_prefix(graph: ResourceGraph) -> Iterator[Violation]:
    """Each service has its own names for classes: `db.t4g.micro`, `cache.t4g.micro`; the bare EC2 type is none."""
    for node in graph.of_type(*_CLASS_PREFIXES):
        name, prefix = _CLASS_PREFIXES[node.type]
        given = text(graph, node.arguments.get(name))
        if given and not given.startswith(prefix):
            message = f"{node.address}: {name} {given} does not begin with {prefix}, as all classes of the service do"
            yield Violation(message, (node,), (name, given, node.type), node.address)


def serverless_is_auroras(graph: ResourceGraph) -> Iterator[Violation]:
    """The class `db.serverless` is for Aurora, DocumentDB and Neptune clusters; an instance of RDS cannot have it."""
    for node in graph.of_type(INSTANCE):
        if text(graph, node.arguments.get("instance_class")) == "db.serverless" and not (engine_of(graph, node) or "aurora").startswith("aurora"):
            message = f"{node.address}: instance_class db.serverless is for Aurora clusters, and the engine is {engine_of(graph, node)}"
            yield Violation(message, (node,), ("instance_class", "db.serverless", node.type), node.address)


def new_databases_are_complete(graph: ResourceGraph) -> Iterator[Violation]:
    """A database that is no copy needs a user and a password (given or managed); an instance storage and an engine too."""
    for node in graph.of_type(INSTANCE, CLUSTER, "aws_docdb_cluster"):
        given = node.arguments
        if any(given.get(name) for name in _SOURCES):
            continue
        prefix = "" if node.type == INSTANCE else "master_"
        missing = [f"{prefix}username"] if given.get(f"{prefix}username") is None else []
        missing += [f"{prefix}password"] if all(given.get(name) in (None, False) for name in _PASSWORDS) else []
        if node.type == INSTANCE:
            missing += [name for name in ("engine", "allocated_storage") if given.get(name) is None]
        if missing:
            message = f"{node.address}: a new database needs {' and '.join(missing)}"
            yield Violation(message, (node,), (*missing, node.type), node.address)


def master_users(graph: ResourceGraph) -> Iterator[Violation]:
    """The master user's name begins with a letter, has letters, digits and `_`, and is no reserved word of the engine."""
    for node in graph.of_type(INSTANCE, CLUSTER, "aws_docdb_cluster"):
        name = "username" if node.type == INSTANCE else "master_username"
        user, engine = text(graph, node.arguments.get(name)), engine_of(graph, node)
        if not user or engine not in _RESERVED:
            continue
        if user.lower() in _RESERVED[engine]:
            message = f"{node.address}: {name} {user} is a reserved word of {engine}"
        elif not re.fullmatch(r"[A-Za-z]\w*", user, re.ASCII):
            message = f"{node.address}: {name} {user} does not begin with a letter, or has more than letters, digits and underscores"
        else:
            continue
        yield Violation(message, (node,), (name, user, node.type), node.address)


def master_passwords(graph: ResourceGraph) -> Iterator[Violation]:
    """A master password has 8 characters at least (MySQL and MariaDB: 41 at most), printable ASCII without `/`, `@`, `"` and space.

    The other engines take up to 128 characters, Db2 up to 255.
    """
    for node in graph.of_type(INSTANCE, CLUSTER, "aws_docdb_cluster"):
        name = "password" if node.type == INSTANCE else "master_password"
        password, engine = text(graph, node.arguments.get(name)), engine_of(graph, node)
        if not password:
            continue
        refused = sorted({character for character in password if character in '/@" ' or not character.isascii() or not character.isprintable()})
        longest = 41 if engine in MYSQL else 128 if engine in (*POSTGRES, "docdb") else 255
        if refused:
            wrong = f"has {' and '.join(map(repr, refused))}, which RDS does not take"
        elif not 8 <= len(password) <= longest:
            wrong = f"has {len(password)} characters, and {engine or 'RDS'} takes 8 to {longest}"
        else:
            continue
        yield Violation(f"{node.address}: {name} {wrong}", (node,), (name, *refused, node.type), node.address)


def random_passwords(graph: ResourceGraph) -> Iterator[Violation]:
    """`random_password` has `@` among its special characters unless `override_special` leaves it out."""
    for node in graph.of_type(INSTANCE, CLUSTER, "aws_docdb_cluster"):
        name = "password" if node.type == INSTANCE else "master_password"
        value = node.arguments.get(name)
        match = re.fullmatch(r"\$\{(random_password\.[\w-]+)\.result\}", value) if isinstance(value, str) else None
        source = graph.by_address.get(match[1]) if match else None
        if source is None or truth(graph, source.arguments.get("special")) is False:
            continue
        special = source.arguments.get("override_special")
        known = "!@#$%&*()-_=+[]{}<>:?" if special is None else text(graph, special) or ""
        if refused := [character for character in '/@" ' if character in known]:
            message = f"{node.address}: {name} is {source.address}, whose special characters have {' and '.join(map(repr, refused))}, which RDS does not take"
            yield Violation(message, (node, source), ("override_special", name, source.address, node.type), node.address)


def database_names(graph: ResourceGraph) -> Iterator[Violation]:
    """The first database's name begins with a letter (of PostgreSQL, with `_` too) and has letters, digits and `_`: no hyphen."""
    for node in graph.of_type(INSTANCE, CLUSTER):
        name = "db_name" if node.type == INSTANCE else "database_name"
        given, engine = text(graph, node.arguments.get(name)), engine_of(graph, node)
        first = r"[A-Za-z_]" if engine in POSTGRES else r"[A-Za-z]"
        if given and engine in (*MYSQL, *POSTGRES) and not re.fullmatch(rf"{first}\w*", given, re.ASCII):
            message = f"{node.address}: {name} {given} does not begin with a letter, or has more than letters, digits and underscores"
            yield Violation(message, (node,), (name, given, node.type), node.address)


def exported_logs(graph: ResourceGraph) -> Iterator[Violation]:
    """Each engine exports its own logs: PostgreSQL `postgresql` and `upgrade`, MySQL `audit`, `error`, `general` and `slowquery`."""
    for node in graph.of_type(INSTANCE, CLUSTER):
        engine = engine_of(graph, node) or ""
        wrong = [name for name in listed(node.arguments.get("enabled_cloudwatch_logs_exports")) if name in _OTHER_LOGS.get(engine, ())]
        if wrong:
            message = f"{node.address}: {engine} has no {' or '.join(wrong)} log to export (enabled_cloudwatch_logs_exports)"
            yield Violation(message, (node,), ("enabled_cloudwatch_logs_exports", *wrong, node.type), node.address)


def keys_need_encryption(graph: ResourceGraph) -> Iterator[Violation]:
    """A KMS key encrypts storage only with `storage_encrypted`, which is off by default."""
    for node in graph.of_type(INSTANCE, CLUSTER, "aws_docdb_cluster", "aws_neptune_cluster"):
        given = node.arguments
        copied = any(given.get(name) for name in _SOURCES)
        # Aurora Serverless v1 is always encrypted.
        always = node.type == CLUSTER and text(graph, given.get("engine_mode", "provisioned")) != "provisioned"
        off = not always and (given.get("storage_encrypted") is None or truth(graph, given.get("storage_encrypted")) is False)
        if given.get("kms_key_id") and off and not copied:
            message = f"{node.address}: kms_key_id is given and storage_encrypted is not true"
            yield Violation(message, (node,), ("storage_encrypted", "kms_key_id", node.type), node.address)


def monitoring_has_a_role(graph: ResourceGraph) -> Iterator[Violation]:
    """Enhanced monitoring (an interval above 0) writes with a role: RDS refuses it without `monitoring_role_arn`."""
    for node in graph.of_type(INSTANCE, "aws_rds_cluster_instance", CLUSTER):
        interval = number(graph, node.arguments.get("monitoring_interval"))
        if interval and node.arguments.get("monitoring_role_arn") is None:
            message = f"{node.address}: monitoring_interval {interval:g} needs a monitoring_role_arn"
            yield Violation(message, (node,), ("monitoring_role_arn", "monitoring_interval", node.type), node.address)


def replicas_need_backups(graph: ResourceGraph) -> Iterator[Violation]:
    """A read replica's source keeps automatic backups: with a retention of 0 days RDS refuses the replica."""
    for replica in graph.of_type(INSTANCE):
        source = referred(graph, replica.arguments.get("replicate_source_db"), INSTANCE)
        # What is restored or copied keeps the retention of what it comes from.
        if source is None or any(source.arguments.get(name) for name in _SOURCES):
            continue
        retention = source.arguments.get("backup_retention_period")
        if retention is None or number(graph, retention) == 0:
            message = f"{source.address}: it keeps no backups (backup_retention_period is {retention or 0}), and {replica.address} is its replica"
            yield Violation(message, (source, replica), ("backup_retention_period", "replicate_source_db", source.type), source.address)


def zone_of_a_pair(graph: ResourceGraph) -> Iterator[Violation]:
    """A Multi-AZ instance cannot be put into one zone."""
    for node in graph.of_type(INSTANCE):
        if truth(graph, node.arguments.get("multi_az")) and node.arguments.get("availability_zone"):
            message = f"{node.address}: availability_zone cannot be given with multi_az"
            yield Violation(message, (node,), ("availability_zone", "multi_az", node.type), node.address)


def _instance(**arguments: Any) -> dict[str, Any]:
    given = {"engine": "postgres", "instance_class": "db.t4g.micro", "allocated_storage": 20, "username": "keeper", "password": "long-enough"} | arguments
    return {"resource": {INSTANCE: {"main": {name: value for name, value in given.items() if value is not None}}}}


def _cluster(**arguments: Any) -> dict[str, Any]:
    given = {"engine": "aurora-mysql", "master_username": "keeper", "master_password": "long-enough"} | arguments
    return {"resource": {CLUSTER: {"main": {name: value for name, value in given.items() if value is not None}}}}


def _replica(retention: object) -> dict[str, Any]:
    stack = _instance(backup_retention_period=retention)
    stack["resource"][INSTANCE]["copy"] = {"replicate_source_db": "${aws_db_instance.main.identifier}"}
    return stack


def _random(**arguments: Any) -> dict[str, Any]:
    return {"resource": {**_instance(password="${random_password.main.result}")["resource"], "random_password": {"main": {"length": 20, **arguments}}}}


def _rule(id: str, title: str, check: Any, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...], **changed: Any) -> Rule:
    api = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
    common = {"severity": Severity.HIGH, "category": Category.AWS_CONSTRAINT, "documentation": api} | changed
    return Rule(id=id, title=title, check=check, bad=bad, good=good, **common)


RULES = (
    _rule(
        "rds-engine-name",
        "Engine that RDS does not have under this name",
        engine_names,
        (_instance(engine="postgresql"), _instance(engine="aurora-mysql")),
        (_instance(), _instance(engine="${var.engine}"), _instance(engine="custom-oracle-ee"), _instance(engine="MySQL")),
    ),
    _rule(
        "database-class-prefix",
        "Class without the service's prefix",
        classes_have_their_prefix,
        (_instance(instance_class="t3.micro"), {"resource": {"aws_elasticache_replication_group": {"main": {"node_type": "db.t3.micro"}}}}),
        (_instance(), _instance(instance_class="${var.size}"), {"resource": {"aws_elasticache_cluster": {"main": {"node_type": "cache.t3.micro"}}}}),
    ),
    _rule(
        "rds-serverless-class",
        "db.serverless without Aurora",
        serverless_is_auroras,
        (_instance(instance_class="db.serverless"),),
        (_instance(), _instance(instance_class="db.serverless", engine="${var.engine}")),
    ),
    _rule(
        "rds-missing-argument",
        "New database without user, password, engine or storage",
        new_databases_are_complete,
        (_instance(password=None), _instance(allocated_storage=None), _cluster(master_password=None), _cluster(master_username=None)),
        (
            _instance(),
            _instance(password=None, manage_master_user_password=True),
            _instance(username=None, password=None, snapshot_identifier="${var.snapshot}"),
            _cluster(master_username=None, master_password=None, global_cluster_identifier="${aws_rds_global_cluster.main.id}"),
        ),
    ),
    _rule(
        "rds-username",
        "Master user name that the engine does not take",
        master_users,
        (_instance(username="admin"), _instance(username="my-user"), _cluster(master_username="rdsadmin"), _cluster(master_username="1st")),
        (_instance(username="postgres"), _cluster(master_username="admin"), _instance(username="${var.user}"), _instance(engine="oracle-ee", username="admin")),
    ),
    _rule(
        "rds-password",
        "Master password that RDS does not take",
        master_passwords,
        (_instance(password="P@ssw0rd123"), _instance(password="short"), _cluster(master_password="x" * 42), _cluster(master_password="with space")),
        (_instance(password="Chang3Me!#$"), _instance(password="x" * 42), _cluster(master_password="x" * 41), _instance(password="${var.secret}@/")),
    ),
    _rule(
        "rds-random-password",
        "Random master password with characters that RDS does not take",
        random_passwords,
        (_random(), _random(override_special="!@#")),
        (_random(special=False), _random(override_special="!#$%&*()-_=+"), _random(override_special="${var.special}")),
        severity=Severity.MEDIUM,
        documentation="https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/password",
    ),
    _rule(
        "rds-database-name",
        "Database name that the engine does not take",
        database_names,
        (_instance(db_name="my-app"), _cluster(database_name="1app")),
        (
            _instance(db_name="my_app1"),
            _instance(db_name="_app"),
            _cluster(database_name="app"),
            _instance(db_name="${var.name}-db"),
            _instance(engine="oracle-ee", db_name="A-B"),
        ),
    ),
    _rule(
        "rds-exported-logs",
        "Exported log that the engine does not have",
        exported_logs,
        (_instance(enabled_cloudwatch_logs_exports=["slowquery"]), _cluster(enabled_cloudwatch_logs_exports=["audit", "postgresql"])),
        (_instance(enabled_cloudwatch_logs_exports=["postgresql", "upgrade"]), _cluster(enabled_cloudwatch_logs_exports=["audit", "error"])),
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html",
    ),
    _rule(
        "rds-key-without-encryption",
        "KMS key for storage that is not encrypted",
        keys_need_encryption,
        (_instance(kms_key_id="${aws_kms_key.main.arn}"), _cluster(kms_key_id="${aws_kms_key.main.arn}", storage_encrypted="false")),
        (
            _instance(kms_key_id="${aws_kms_key.main.arn}", storage_encrypted=True),
            _instance(kms_key_id="${var.key}", storage_encrypted="${var.encrypt}"),
            _cluster(kms_key_id="${var.key}", engine_mode="serverless"),
        ),
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/db_instance",
    ),
    _rule(
        "rds-monitoring-role",
        "Enhanced monitoring without a role",
        monitoring_has_a_role,
        (_instance(monitoring_interval=60),),
        (_instance(monitoring_interval=0), _instance(monitoring_interval=60, monitoring_role_arn="${aws_iam_role.main.arn}"), _instance()),
    ),
    _rule(
        "rds-replica-without-backups",
        "Read replica of a database without backups",
        replicas_need_backups,
        (_replica(0), _replica(None)),
        (_replica(7), _replica("${var.days}")),
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html",
    ),
    _rule(
        "rds-multi-az-zone",
        "Multi-AZ database in one zone",
        zone_of_a_pair,
        (_instance(multi_az=True, availability_zone="eu-west-1a"),),
        (_instance(multi_az=True), _instance(multi_az=False, availability_zone="eu-west-1a")),
    ),
)
