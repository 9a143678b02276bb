"""Rules on buckets: names, ACLs, policies that S3 refuses, and settings of which a bucket has one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.findings import Complaint, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.iam_documents import label, literal_part, policy, resource_policies
from harness.constraints.policies import attached, listed
from harness.constraints.values import blocks, is_repeated, nested, text, truth
from harness.failures import Category, Severity

BUCKET = "aws_s3_bucket"
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_ONE_OF = (
    # The settings of which a bucket has one: S3 puts the second in the first one's place.
    "aws_s3_bucket_acl",
    "aws_s3_bucket_cors_configuration",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_notification",
    "aws_s3_bucket_object_lock_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_replication_configuration",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_s3_bucket_website_configuration",
)
_ON_OBJECTS = (
    "AbortMultipartUpload",
    "DeleteObject",
    "DeleteObjectVersion",
    "GetObject",
    "GetObjectAcl",
    "GetObjectTagging",
    "GetObjectVersion",
    "PutObject",
    "PutObjectAcl",
    "PutObjectTagging",
)
_ON_BUCKETS = ("GetBucketAcl", "GetBucketLocation", "GetBucketPolicy", "GetBucketVersioning", "ListBucket", "ListBucketMultipartUploads", "ListBucketVersions")


def of_bucket(graph: ResourceGraph, bucket: Node, kind: str) -> list[Node] | None:
    """The resources of a type that are for a bucket of the stack; None where one may or may not be, or may be several."""
    found = attached(graph, bucket, kind, "bucket", "bucket")
    return None if found is None or any(map(is_repeated, found)) or is_repeated(bucket) else found


def bucket_of(graph: ResourceGraph, value: object) -> Node | None:
    """The bucket of the stack that a value names by reference."""
    return graph.target(value, BUCKET)


def takes_acls(graph: ResourceGraph, bucket: Node) -> bool | None:
    """Whether a bucket has ACLs: new ones have none unless ownership controls say otherwise; None where that is not known."""
    controls = of_bucket(graph, bucket, "aws_s3_bucket_ownership_controls")
    if controls is None:
        return None
    owners = [text(graph, block.get("object_ownership")) for control in controls for block in blocks(control.arguments, "rule")]
    if None in owners or len(owners) != len(controls):
        return None
    return any(owner != "BucketOwnerEnforced" for owner in owners)


def _name(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends, and some forms that S3 keeps to itself."""
    for argument in ("bucket", "bucket_prefix"):
        value = node.arguments.get(argument)
        if not isinstance(value, str) or not value or "%{" in value:
            continue
        written = text(graph, value)
        reason = _no_name(written if written is not None else literal_part(value), whole=written is not None and argument == "bucket")
        if reason:
            yield Complaint(f"its {argument} is {value!r}, and a bucket's name {reason}", (value, argument))


def _no_name(name: str, *, whole: bool) -> str | None:
    wrong = sorted(set(re.findall(r"[^a-z0-9.-]", name)))
    if wrong:
        return f"has lower-case letters, digits, hyphens and dots only (not {' '.join(map(repr, wrong))})"
    if not whole:
        return None
    if not 3 <= len(name) <= 63:
        return f"has 3 to 63 characters (not {len(name)})"
    if not (name[0].isalnum() and name[-1].isalnum()):
        return "begins and ends with a letter or a digit"
    if ".." in name:
        return "has no two dots next to each other"
    if _is_address(name):
        return "is not formed like an IP address"
    reserved = next((part for part in ("xn--", "sthree-", "amzn-s3-demo-") if name.startswith(part)), None) or next(
        (part for part in ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3") if name.endswith(part)), None
    )
    return f"has no {reserved!r} there" if reserved else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _acl(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Since April 2023 a new bucket has ACLs disabled (BucketOwnerEnforced) unless its ownership controls enable them."""
    if node.type == BUCKET:
        acl = text(graph, node.arguments.get("acl"))
        if acl not in (None, "", "private"):
            yield Complaint(f"it is created with the ACL {acl}, but new buckets have ACLs disabled", (str(acl), "acl"))
        return
    bucket = bucket_of(graph, node.arguments.get("bucket"))
    if bucket is not None and takes_acls(graph, bucket) is False:
        yield Complaint(
            f"{bucket.address} has ACLs disabled (BucketOwnerEnforced, as all new buckets have without ownership controls)",
            ("acl", "aws_s3_bucket_ownership_controls"),
            (bucket,),
        )


def _public(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A policy that lets everybody in is refused while the bucket blocks public policies, as new buckets do from the start."""
    bucket = bucket_of(graph, node.arguments.get("bucket"))
    walls = None if bucket is None else of_bucket(graph, bucket, "aws_s3_bucket_public_access_block")
    if bucket is None or walls is None:
        return
    blocked = [truth(graph, wall.arguments.get("block_public_policy")) for wall in walls]
    if any(answer is None and not is_unset(wall.arguments, "block_public_policy") for answer, wall in zip(blocked, walls, strict=True)):
        return
    if walls and not any(blocked):
        return
    for document in resource_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            if block.get("Effect") == "Allow" and _everybody(block.get("Principal")) and not block.get("Condition"):
                why = (
                    f"{walls[0].address} sets block_public_policy"
                    if walls
                    else "new buckets block public policies and the stack has no public access block for it"
                )
                yield Complaint(f"{label(block, number)} lets everybody in, but {why}", ("block_public_policy", "Principal"), (bucket, *walls))


def _everybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, Mapping) and "*" in listed(principal.get("AWS")))


def _about(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The statements of a bucket's policy are about that bucket and what is in it."""
    bucket = bucket_of(graph, node.arguments.get("bucket"))
    for document in resource_policies(graph, node) if bucket else ():
        for number, block in enumerate(document.statements, 1):
            for value in filter(lambda item: isinstance(item, str), listed(block.get("Resource"))):
                other = bucket_of(graph, value)
                if other is not None and other is not bucket and len(list(graph.targets(value))) == 1:
                    yield Complaint(
                        f"{label(block, number)} is about {other.address}, but the policy is for {bucket.address if bucket else ''}", ("Resource",), (other,)
                    )
                elif is_literal(value) and value != "*" and not value.startswith(("arn:", "*")):
                    yield Complaint(f"{label(block, number)} has the resource {value}, which is no ARN", (value, "Resource"))


def _fits(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Each action applies to one of the statement's resources: those on objects to BUCKET/*, those on buckets to the bucket itself."""
    for document in resource_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            kinds = {_kind(value) for value in listed(block.get("Resource"))}
            for action in listed(block.get("Action")):
                name = str(action).removeprefix("s3:")
                if kinds == {"bucket"} and name in _ON_OBJECTS:
                    yield Complaint(
                        f"{label(block, number)} has the action {action} on objects, but only the bucket as its resource (without /*)", (action, "Resource")
                    )
                elif kinds == {"objects"} and name in _ON_BUCKETS:
                    yield Complaint(f"{label(block, number)} has the action {action} on the bucket, but only objects as its resource", (action, "Resource"))


def _kind(value: object) -> str:
    """Whether a resource is a bucket's ARN, or one of objects in it; neither where that is not sure."""
    if not isinstance(value, str):
        return "unknown"
    if re.fullmatch(r"\$\{aws_s3_bucket\.[\w-]+\.arn\}|arn:[\w-]+:s3:::[a-z0-9.-]+|arn:[\w-]+:s3:::\$\{aws_s3_bucket\.[\w-]+\.(?:id|bucket)\}", value):
        return "bucket"
    return (
        "objects"
        if re.match(r"(?:\$\{aws_s3_bucket\.[\w-]+\.arn\}|arn:[\w-]+:s3:::(?:[a-z0-9.-]+|\$\{aws_s3_bucket\.[\w-]+\.(?:id|bucket)\}))/", value)
        else "unknown"
    )


def settings_stand_once(graph: ResourceGraph) -> Iterator[Violation]:
    """Each of these is one setting of the bucket: a second resource writes over the first, whichever comes last."""
    for kind in _ONE_OF:
        first: dict[str, Node] = {}
        for node in graph.of_type(kind):
            bucket = bucket_of(graph, node.arguments.get("bucket"))
            if bucket is None or is_repeated(node) or is_repeated(bucket):
                continue
            other = first.setdefault(bucket.address, node)
            if other is not node:
                message = f"{node.address}: {other.address} is for {bucket.address} too, and each writes over the other"
                yield Violation(message, (node, other, bucket), (kind, bucket.address.rpartition(".")[2]), node.address)


def _encryption(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A KMS key goes with aws:kms or aws:kms:dsse; AES256 takes none."""
    for block in nested(node.arguments, "rule", "apply_server_side_encryption_by_default"):
        if text(graph, block.get("sse_algorithm")) == "AES256" and not is_unset(block, "kms_master_key_id"):
            yield Complaint("it names a KMS key for the algorithm AES256, which takes none", ("kms_master_key_id", "AES256", "sse_algorithm"))


def _bucket(**resources: Any) -> dict[str, Any]:
    return {
        "resource": {
            BUCKET: {"main": {"bucket": "files"}, "other": {"bucket": "other"}},
            **{f"aws_s3_bucket_{kind}": value for kind, value in resources.items()},
        }
    }


def _for(**arguments: Any) -> dict[str, Any]:
    return {"main": {"bucket": "${aws_s3_bucket.main.id}", **arguments}}


def _policy(action: Any, resource: Any, principal: Any = "*", **elements: Any) -> dict[str, Any]:
    return _for(policy=policy({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **elements}))


def _named(name: str, argument: str = "bucket") -> dict[str, Any]:
    return {"resource": {BUCKET: {"main": {argument: name}}}}


def _owned(owner: str) -> dict[str, Any]:
    return _for(rule={"object_ownership": owner})


_ARN, _READ = "${aws_s3_bucket.main.arn}", "s3:GetObject"
_ROLE = {"AWS": "${aws_iam_role.app.arn}"}
_ENCRYPTED = {"rule": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": "${aws_kms_key.main.arn}"}}]}
_AES = {"rule": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256", "kms_master_key_id": "${aws_kms_key.main.arn}"}}]}


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any) -> Rule:
    documentation = page if page.startswith("https:") else _GUIDE + page
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, documentation, check, bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "s3-bucket-name",
        "Bucket name that S3 refuses",
        "bucketnamingrules.html",
        partial(judged, (BUCKET,), _name),
        bad=(
            *map(_named, ("My-Files", "my_files", "ab", "-files", "files.", "a..b", "192.168.5.4", "xn--files", "Files-${var.stage}")),
            _named("My_", "bucket_prefix"),
        ),
        good=(*map(_named, ("my-files.2", "a" * 63, "files-${var.stage}", "${var.Name}", "192.168.5.4x")), _named("files-", "bucket_prefix")),
    ),
    _rule(
        "s3-acl-disabled",
        "ACL for a bucket that has none",
        "about-object-ownership.html",
        partial(judged, ("aws_s3_bucket_acl", BUCKET), _acl),
        bad=(
            _bucket(acl=_for(acl="private")),
            _bucket(acl=_for(acl="log-delivery-write"), ownership_controls=_owned("BucketOwnerEnforced")),
            {"resource": {BUCKET: {"main": {"acl": "public-read"}}}},
        ),
        good=(
            _bucket(acl=_for(acl="private"), ownership_controls=_owned("BucketOwnerPreferred")),
            _bucket(acl=_for(acl="private"), ownership_controls=_owned("${var.owner}")),
            _bucket(acl=_for(acl="private"), ownership_controls={"main": {"bucket": "${var.bucket}", "rule": {"object_ownership": "ObjectWriter"}}}),
            _bucket(acl={"main": {"bucket": "${var.bucket}", "acl": "private"}}),
            {"resource": {BUCKET: {"main": {"acl": "private"}}}},
        ),
    ),
    _rule(
        "s3-public-policy",
        "Public policy for a bucket that blocks public policies",
        "access-control-block-public-access.html",
        partial(judged, ("aws_s3_bucket_policy",), _public),
        bad=(
            _bucket(policy=_policy(_READ, f"{_ARN}/*")),
            _bucket(policy=_policy(_READ, f"{_ARN}/*", {"AWS": "*"}), public_access_block=_for(block_public_policy=True)),
        ),
        good=(
            _bucket(policy=_policy(_READ, f"{_ARN}/*"), public_access_block=_for(block_public_acls=True, block_public_policy=False)),
            _bucket(policy=_policy(_READ, f"{_ARN}/*"), public_access_block=_for(block_public_policy="${var.blocked}")),
            _bucket(policy=_policy(_READ, f"{_ARN}/*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})),
            _bucket(policy=_policy(_READ, f"{_ARN}/*", Effect="Deny"), public_access_block=_for(block_public_policy=True)),
            _bucket(policy=_policy(_READ, f"{_ARN}/*", _ROLE), public_access_block=_for(block_public_policy=True)),
        ),
    ),
    _rule(
        "s3-policy-resource",
        "Bucket policy about something else than its bucket",
        "s3-arn-format.html",
        partial(judged, ("aws_s3_bucket_policy",), _about),
        bad=(_bucket(policy=_policy(_READ, "${aws_s3_bucket.other.arn}/*")), _bucket(policy=_policy(_READ, "files/*"))),
        good=(
            _bucket(policy=_policy(_READ, f"{_ARN}/*")),
            _bucket(policy=_policy(_READ, "arn:aws:s3:::files/*")),
            _bucket(policy=_policy(_READ, "${var.bucket}/*")),
        ),
    ),
    _rule(
        "s3-policy-action",
        "Action in a bucket policy that applies to none of its resources",
        "security_iam_service-with-iam.html",
        partial(judged, ("aws_s3_bucket_policy",), _fits),
        bad=(
            _bucket(policy=_policy(_READ, _ARN)),
            _bucket(policy=_policy(["s3:ListBucket", _READ], [f"{_ARN}/*"])),
            _bucket(policy=_policy(_READ, "arn:aws:s3:::files")),
        ),
        good=(
            _bucket(policy=_policy(_READ, f"{_ARN}/*")),
            _bucket(policy=_policy(["s3:ListBucket", _READ], [_ARN, f"{_ARN}/*"])),
            _bucket(policy=_policy("s3:*", _ARN)),
            _bucket(policy=_policy(_READ, "${var.arn}")),
            _bucket(policy=_policy("s3:ListBucket", f"{_ARN}*")),
        ),
    ),
    _rule(
        "s3-setting-repeated",
        "Two resources for one setting of a bucket",
        "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket_notification",
        settings_stand_once,
        bad=(
            _bucket(notification={"a": _for()["main"], "b": _for()["main"]}),
            _bucket(policy={**_policy(_READ, f"{_ARN}/*"), "tls": {"bucket": "${aws_s3_bucket.main.bucket}", "policy": "{}"}}),
        ),
        good=(
            _bucket(notification=_for()),
            _bucket(notification={"a": _for()["main"], "b": {"bucket": "${aws_s3_bucket.other.id}"}}),
            _bucket(notification={"a": _for()["main"], "b": {"bucket": "${var.bucket}"}}),
        ),
    ),
    _rule(
        "s3-encryption-key",
        "KMS key for an encryption that takes none",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html",
        partial(judged, ("aws_s3_bucket_server_side_encryption_configuration",), _encryption),
        bad=(_bucket(server_side_encryption_configuration=_for(**_AES)),),
        good=(
            _bucket(server_side_encryption_configuration=_for(**_ENCRYPTED)),
            _bucket(server_side_encryption_configuration=_for(rule={"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}})),
        ),
    ),
)
