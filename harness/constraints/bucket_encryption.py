"""Rules on buckets that KMS encrypts: who cannot write to one or read from it, and how replication takes its objects along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.bucket_delivery import BUCKET, balancer_logs, bucket_of
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import attached
from harness.constraints.values import blocks, is_dynamic, nested, text
from harness.failures import Category, Severity

_ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"


def encryption(graph: ResourceGraph, bucket: Node) -> tuple[str, object] | None:
    """The algorithm that a bucket encrypts with by default, and the value that names the key; None where that is not known."""
    holders = attached(graph, bucket, _ENCRYPTION, "bucket", "bucket")
    if holders is None or any(is_dynamic(holder.arguments, "rule") for holder in holders):
        return None
    own = nested(bucket.arguments, "server_side_encryption_configuration", "rule", "apply_server_side_encryption_by_default")
    apart = (block for holder in holders for block in nested(holder.arguments, "rule", "apply_server_side_encryption_by_default"))
    for block in (*own, *apart):
        algorithm = text(graph, block.get("sse_algorithm"))
        return None if algorithm is None else (algorithm, block.get("kms_master_key_id", block.get("kms_master_key_arn")))
    return "AES256", None


def _balancer_encryption(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """Access logs of an Application Load Balancer go to buckets with S3's own keys only."""
    for bucket, _ in balancer_logs(graph, node):
        found = encryption(graph, bucket)
        if found is not None and found[0].startswith("aws:kms"):
            sentence = f"it logs to {bucket.address}, which is encrypted with {found[0]}, and access logs go only to buckets with AES256"
            yield Complaint(sentence, ("access_logs", "sse_algorithm", found[0], bucket.address.rpartition(".")[2]), (bucket,))


def _identity_origin(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """An origin access identity cannot read what KMS encrypts; origin access control can. (A Lambda@Edge function may sign requests instead.)"""
    caches = (*blocks(node.arguments, "default_cache_behavior"), *blocks(node.arguments, "ordered_cache_behavior"))
    if any(cache.get("lambda_function_association") for cache in caches):
        return
    for origin in blocks(node.arguments, "origin"):
        bucket = bucket_of(graph, origin.get("domain_name"))
        identity = [block for block in blocks(origin, "s3_origin_config") if not is_unset(block, "origin_access_identity")]
        found = encryption(graph, bucket) if bucket is not None and identity and is_unset(origin, "origin_access_control_id") else None
        if bucket is not None and found is not None and found[0].startswith("aws:kms"):
            sentence = f"its origin {bucket.address} is encrypted with {found[0]}, which an origin access identity cannot read; origin access control can"
            yield Complaint(sentence, ("origin_access_identity", found[0], "origin_access_control_id", bucket.address.rpartition(".")[2]), (bucket,))


def _enabled(graph: ResourceGraph, rule: Mapping[str, Any]) -> list[str | None]:
    """What a replication rule says of objects that KMS encrypts: `Enabled`, `Disabled`, or None for what is not known."""
    return [text(graph, block.get("status")) for block in nested(rule, "source_selection_criteria", "sse_kms_encrypted_objects")]


def _replica_key(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """A rule that selects what KMS encrypts names a key for the replicas, and the other way round: S3 refuses one without the other."""
    for number, rule in enumerate(blocks(node.arguments, "rule")):
        places = blocks(rule, "destination")
        if len(places) != 1 or any(is_dynamic(block, name) for block, name in ((rule, "source_selection_criteria"), (places[0], "encryption_configuration"))):
            continue
        name, selected = text(graph, rule.get("id")) or str(number), _enabled(graph, rule)
        if blocks(places[0], "encryption_configuration") and not selected:
            sentence = f"its rule {name} has a replica_kms_key_id, and no source_selection_criteria with sse_kms_encrypted_objects"
            yield Complaint(sentence, ("sse_kms_encrypted_objects", "source_selection_criteria", "replica_kms_key_id"))
        if "Enabled" in selected and not blocks(places[0], "encryption_configuration"):
            sentence = f"its rule {name} selects objects that KMS encrypts, and its destination has no encryption_configuration with a replica_kms_key_id"
            yield Complaint(sentence, ("replica_kms_key_id", "encryption_configuration", "sse_kms_encrypted_objects"))


def _replicated(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """S3 leaves out what KMS encrypts, unless a rule selects it; so nothing of a bucket that encrypts with KMS by default is replicated."""
    bucket, rules = bucket_of(graph, node.arguments.get("bucket")), blocks(node.arguments, "rule")
    found = encryption(graph, bucket) if bucket is not None else None
    if bucket is None or found is None or not found[0].startswith("aws:kms") or is_dynamic(node.arguments, "rule") or not rules:
        return
    states = [state for rule in rules for state in _enabled(graph, rule)]
    # A destination with a key and no selection is refused anyhow, which is the other rule's to say.
    keys = any(True for rule in rules for _ in nested(rule, "destination", "encryption_configuration"))
    if all(state == "Disabled" for state in states) and not keys and not any(is_dynamic(rule, "source_selection_criteria") for rule in rules):
        sentence = f"{bucket.address} is encrypted with {found[0]}, and none of its rules selects sse_kms_encrypted_objects, so its objects are not replicated"
        yield Complaint(sentence, ("sse_kms_encrypted_objects", "source_selection_criteria", found[0]), (bucket,))


def _main(kind: str, arguments: Mapping[str, Any], algorithm: str | None = None) -> dict[str, Any]:
    """A resource next to the bucket `data`, which encrypts with the algorithm."""
    rule = {"apply_server_side_encryption_by_default": {"sse_algorithm": algorithm}}
    held = {} if algorithm is None else {_ENCRYPTION: {"data": {"bucket": "${aws_s3_bucket.data.id}", "rule": [rule]}}}
    return {"resource": {kind: {"main": arguments}, BUCKET: {"data": {"bucket": "data"}}, **held}}


def _rule(identifier: str, title: str, page: str, kind: str, judge: Any, bad: Iterable[Any], good: Iterable[Any]) -> Rule:
    documentation = f"https://docs.aws.amazon.com/{page}"
    return Rule(identifier, title, Severity.HIGH, Category.AWS_CONSTRAINT, documentation, partial(judged, (kind,), judge), tuple(bad), tuple(good))


def _replication(key: bool, status: str | None) -> dict[str, Any]:
    destination = {"bucket": "arn:aws:s3:::replica", **({"encryption_configuration": {"replica_kms_key_id": "k"}} if key else {})}
    selected = {} if status is None else {"source_selection_criteria": {"sse_kms_encrypted_objects": {"status": status}}}
    rule = {"id": "all", "status": "Enabled", "destination": [destination], **selected}
    return {"bucket": "${aws_s3_bucket.data.id}", "role": "r", "rule": [rule]}


_BALANCER = {"load_balancer_type": "application", "access_logs": {"bucket": "${aws_s3_bucket.data.id}", "enabled": True}}
_NETWORK = {**_BALANCER, "load_balancer_type": "network"}
_IDENTITY = {"origin_access_identity": "${aws_cloudfront_origin_access_identity.main.cloudfront_access_identity_path}"}
_ORIGIN = {"domain_name": "${aws_s3_bucket.data.bucket_regional_domain_name}"}
_SERVED = {"origin": [{**_ORIGIN, "s3_origin_config": _IDENTITY}]}
_CONTROLLED = {"origin": [{**_ORIGIN, "origin_access_control_id": "${aws_cloudfront_origin_access_control.main.id}"}]}
_SIGNED = {**_SERVED, "default_cache_behavior": {"lambda_function_association": [{"event_type": "origin-request", "lambda_arn": "a"}]}}
_balancer, _distribution = partial(_main, "aws_lb"), partial(_main, "aws_cloudfront_distribution")
_copied = partial(_main, "aws_s3_bucket_replication_configuration")

RULES = (
    _rule(
        "alb-log-bucket-encryption",
        "Access logs of a load balancer into a bucket that KMS encrypts",
        "elasticloadbalancing/latest/application/enable-access-logging.html",
        "aws_lb",
        _balancer_encryption,
        bad=(_balancer(_BALANCER, "aws:kms"),),
        good=(_balancer(_BALANCER, "AES256"), _balancer(_BALANCER, "${var.algorithm}"), _balancer(_BALANCER), _balancer(_NETWORK, "aws:kms")),
    ),
    _rule(
        "cloudfront-identity-kms",
        "Origin access identity for a bucket that KMS encrypts",
        "AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
        "aws_cloudfront_distribution",
        _identity_origin,
        bad=(_distribution(_SERVED, "aws:kms"),),
        good=(_distribution(_SERVED, "AES256"), _distribution(_SERVED), _distribution(_CONTROLLED, "aws:kms"), _distribution(_SIGNED, "aws:kms")),
    ),
    _rule(
        "s3-replication-key",
        "Replication that names a key without selecting what KMS encrypts, or the other way round",
        "AmazonS3/latest/API/API_Destination.html",
        "aws_s3_bucket_replication_configuration",
        _replica_key,
        bad=(_copied(_replication(True, None)), _copied(_replication(False, "Enabled"))),
        good=(
            _copied(_replication(True, "Enabled")),
            _copied(_replication(False, None)),
            _copied(_replication(False, "Disabled")),
            _copied(_replication(False, "${var.status}")),
        ),
    ),
    _rule(
        "s3-replication-kms-objects",
        "Replication that leaves out the objects that KMS encrypts",
        "AmazonS3/latest/userguide/replication-config-for-kms-objects.html",
        "aws_s3_bucket_replication_configuration",
        _replicated,
        bad=(_copied(_replication(False, None), "aws:kms"), _copied(_replication(False, "Disabled"), "aws:kms:dsse")),
        good=(
            _copied(_replication(True, "Enabled"), "aws:kms"),
            _copied(_replication(False, None), "AES256"),
            _copied(_replication(False, None), "${var.algorithm}"),
            _copied(_replication(False, "${var.status}"), "aws:kms"),
        ),
    ),
)
