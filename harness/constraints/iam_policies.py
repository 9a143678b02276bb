"""Rules on policy documents: what their grammar does not allow, and what IAM refuses in an identity policy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.findings import Complaint, is_literal, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.iam_documents import (
    IDENTITY_HOLDERS,
    RESOURCE,
    all_policies,
    identity_policies,
    label,
    literal_part,
    policy,
    resource_policies,
    trust_policies,
)
from harness.constraints.policies import listed
from harness.constraints.values import is_repeated
from harness.failures import Category, Severity

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_VERSIONS = ("2012-10-17", "2008-10-17")
_VARIABLE = re.compile(r"\$\$\{(\*|\?|\$|[a-z0-9-]+:[^}]+)\}")
_SID = re.compile(r"[0-9A-Za-z]*")
_WANT_RESOURCE = ("aws_s3_bucket_policy", "aws_kms_key", "aws_kms_key_policy")
_FIRST = re.compile(r"\$\{(aws_\w+)\.[\w-]+\.(\w+)\}")
_NO_ARN = {
    # Attributes that are a name, an id or a URL, where a policy wants the ARN.
    "aws_cloudwatch_log_group": ("id", "name"),
    "aws_dynamodb_table": ("id", "name"),
    "aws_ecr_repository": ("id", "name", "repository_url"),
    "aws_iam_role": ("id", "name", "unique_id"),
    "aws_kinesis_stream": ("name",),
    "aws_kms_key": ("id", "key_id"),
    "aws_lambda_function": ("id", "function_name"),
    "aws_s3_bucket": ("id", "bucket", "bucket_domain_name", "bucket_regional_domain_name"),
    "aws_secretsmanager_secret": ("name",),
    "aws_sns_topic": ("name",),
    "aws_sqs_queue": ("id", "name", "url"),
    "aws_ssm_parameter": ("id", "name"),
}
_SIZES = {
    # Characters without white space, for all inline policies of one role, user or group, and for a managed policy.
    "aws_iam_policy": (None, 6144),
    "aws_iam_role_policy": ("role", 10240),
    "aws_iam_user_policy": ("user", 2048),
    "aws_iam_group_policy": ("group", 5120),
}
_LARGEST_TRUST = 8192
"""The most that the quota for a trust policy can be raised to; without that it is 2,048."""


def _principal(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """An identity policy is about whoever it is attached to, so that IAM takes no principal in it."""
    for document in identity_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            for element in ("Principal", "NotPrincipal"):
                if element in block:
                    yield Complaint(f"{label(block, number)} has a {element}, which only trust and resource policies have", (element, document.argument))


def _resource(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A statement says what it is about: Resource or NotResource (in trust policies neither)."""
    found = [*identity_policies(graph, node), *(resource_policies(graph, node) if node.type in _WANT_RESOURCE else ())]
    for document in found:
        for number, block in enumerate(document.statements, 1):
            if not listed(block.get("Resource")) and not listed(block.get("NotResource")):
                yield Complaint(f"{label(block, number)} has no Resource", ("Resource", document.argument))


def _arn(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A resource in an identity policy is "*" or an ARN of six parts."""
    for document in identity_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            for value in (*listed(block.get("Resource")), *listed(block.get("NotResource"))):
                if isinstance(value, str) and (reason := _no_arn(value)):
                    yield Complaint(f"{label(block, number)} has the resource {value}, {reason}", (value, "Resource"))


def _no_arn(value: str) -> str | None:
    """Why a text is certainly no ARN; None where it is one, or may be."""
    if (match := _FIRST.match(value)) and match[2] in _NO_ARN.get(match[1], ()):
        return f"but {match[2]} of {match[1]} is no ARN"
    if not is_literal(value) or value.startswith("*"):
        return None
    if not value.startswith("arn:"):
        return 'which is neither "*" nor an ARN'
    return "whose ARN has fewer than six parts" if value.count(":") < 5 and not re.search(r"[*?]", value) else None


def _action(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """An action is `service:name`; a statement has either Action or NotAction."""
    for document in all_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            given = [element for element in ("Action", "NotAction") if listed(block.get(element))]
            if len(given) != 1:
                yield Complaint(f"{label(block, number)} has {' and '.join(given) or 'neither Action nor NotAction'}", ("Action", document.argument))
            for value in (*listed(block.get("Action")), *listed(block.get("NotAction"))):
                if is_literal(value) and ":" not in value and value != "*":
                    yield Complaint(f"{label(block, number)} has the action {value!r} without a service prefix", (value, "Action"))


def _effect(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """An effect is `Allow` or `Deny`, in these letters, and always there."""
    for document in all_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            effect = block.get("Effect")
            if effect not in ("Allow", "Deny") and (effect is None or is_literal(effect)):
                said = "no Effect" if effect is None else f"the effect {effect!r}"
                yield Complaint(f"{label(block, number)} has {said} instead of Allow or Deny", ("Effect", str(effect)))


def _version(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """There are two versions of the policy language; a policy's version is no date of its own."""
    for document in all_policies(graph, node):
        version = document.version
        if version is not None and version not in _VERSIONS and not (isinstance(version, str) and not is_literal(version)):
            yield Complaint(f"its policy has the version {version!r}; there are {' and '.join(_VERSIONS)}", (str(version), "Version"))


def _variables(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Policy variables came with 2012-10-17; in older policies, and in those without version, `${aws:username}` is just text."""
    for document in all_policies(graph, node):
        found = sorted({match.group()[1:] for match in _VARIABLE.finditer(document.text)})
        if found and document.version in (None, "2008-10-17"):
            said = f"the version {document.version}" if document.version else "no Version"
            yield Complaint(f"its policy has {said}, so that {', '.join(found)} is plain text in it", ("Version", *found))


def _sid(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """In IAM's policies a Sid is letters and digits, and no two statements of a policy have the same."""
    for document in (*trust_policies(graph, node), *identity_policies(graph, node)):
        sids = [block["Sid"] for block in document.statements if is_literal(block.get("Sid"))]
        for sid in dict.fromkeys(sids):
            if not _SID.fullmatch(sid):
                yield Complaint(f"the Sid {sid!r} has other characters than letters and digits", (sid, "Sid"))
        for sid, count in Counter(sids).items():
            if sid and count > 1 and document.text:
                yield Complaint(f"the Sid {sid!r} stands in {count} statements of one policy", (sid, "Sid"))


def policies_fit(graph: ResourceGraph) -> Iterator[Violation]:
    """Policies have a largest size, which IAM measures without white space; what interpolations become comes on top of what is counted here."""
    together: dict[tuple[str, str], list[tuple[Node, int]]] = {}
    for node in graph.of_type(*_SIZES, "aws_iam_role"):
        if node.type == "aws_iam_role":
            size = sum(_size(document.text) for document in trust_policies(graph, node))
            if size > _LARGEST_TRUST:
                message = f"{node.address}: its trust policy has at least {size} characters, and no more than {_LARGEST_TRUST} are possible"
                yield Violation(message, (node,), ("assume_role_policy", node.address.rpartition(".")[2]), node.address)
            continue
        owner = _SIZES[node.type][0]
        size = sum(_size(document.text) for document in identity_policies(graph, node))
        key = (node.type, node.address if owner is None or is_repeated(node) else str(node.arguments.get(owner)))
        together.setdefault(key, []).append((node, size))
    for (kind, _), members in together.items():
        limit = _SIZES[kind][1]
        size = sum(size for _, size in members)
        if size > limit:
            largest = max(members, key=lambda member: member[1])[0]
            all_of = "its policy has" if len(members) == 1 else f"the {len(members)} inline policies of its {_SIZES[kind][0]} together have"
            message = f"{largest.address}: {all_of} at least {size} characters without white space, and {kind} takes {limit}"
            yield Violation(message, tuple(dict.fromkeys((largest, *(node for node, _ in members)))), ("policy", kind), largest.address)


def _size(text: str) -> int:
    return len(re.sub(r"\s", "", literal_part(text)))


def _of(kind: str, *blocks: Mapping[str, Any], version: str | None = "2012-10-17", **arguments: Any) -> dict[str, Any]:
    argument = "assume_role_policy" if kind == "aws_iam_role" else "policy"
    return {"resource": {kind: {"main": {argument: policy(*blocks, version=version), **arguments}}}}


def _identity(*, without: tuple[str, ...] = (), **elements: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}
    return _of("aws_iam_role_policy", {name: value for name, value in statement.items() if name not in without}, role="app")


def _from_source(**block: Any) -> dict[str, Any]:
    return {
        "resource": {"aws_iam_policy": {"main": {"policy": "${data.aws_iam_policy_document.main.json}"}}},
        "data": {"aws_iam_policy_document": {"main": {"statement": [{"actions": ["s3:GetObject"], **block}]}}},
    }


def _inline(**elements: Any) -> dict[str, Any]:
    block = {"name": "read", "policy": policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements})}
    return {"resource": {"aws_iam_role": {"main": {"inline_policy": [block]}}}}


_PRINCIPAL = {"Service": "lambda.amazonaws.com"}
_ASSUMED = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": _PRINCIPAL}
_OWN_FOLDER = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/$${aws:username}/*"}
_MANY = [f"arn:aws:s3:::bucket-with-a-rather-long-name-{number:03}/*" for number in range(150)]
_ALL = (*IDENTITY_HOLDERS, *RESOURCE)
_SOURCE = {"actions": ["sts:AssumeRole"], "principals": {"type": "Service", "identifiers": ["lambda.amazonaws.com"]}}


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any, severity: Severity = Severity.HIGH) -> Rule:
    return Rule(
        id=id_, title=title, severity=severity, category=Category.AWS_CONSTRAINT, documentation=_IAM + page, check=check, bad=tuple(bad), good=tuple(good)
    )


RULES = (
    _rule(
        "iam-identity-principal",
        "Principal in an identity policy",
        "reference_policies_elements_principal.html",
        partial(judged, IDENTITY_HOLDERS, _principal),
        bad=(_identity(Principal="*"), _identity(NotPrincipal={"AWS": "*"}), _inline(Principal=_PRINCIPAL), _from_source(**_SOURCE)),
        good=(_identity(), _inline(), _from_source(resources=["*"]), _of("aws_iam_role", _ASSUMED), _identity(Sid="Principal")),
    ),
    _rule(
        "iam-statement-resource",
        "Policy statement without a resource",
        "reference_policies_elements_resource.html",
        partial(judged, (*IDENTITY_HOLDERS, *_WANT_RESOURCE), _resource),
        bad=(_identity(without=("Resource",)), _from_source(), _of("aws_kms_key", {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": "*"}})),
        good=(
            _identity(),
            _identity(without=("Resource",), NotResource="arn:aws:s3:::a/*"),
            _of("aws_iam_role", _ASSUMED),
            _of("aws_ecr_repository_policy", {"Effect": "Allow", "Action": "ecr:*", "Principal": "*"}),
            {"resource": {"aws_iam_policy": {"main": {"policy": "${file(var.policy)}"}}}},
        ),
    ),
    _rule(
        "iam-resource-arn",
        "Resource in a policy that is no ARN",
        "reference_policies_elements_resource.html",
        partial(judged, IDENTITY_HOLDERS, _arn),
        bad=(
            _identity(Resource="orders"),
            _identity(Resource=["*", "${aws_s3_bucket.main.id}/*"]),
            _identity(Resource="${aws_sqs_queue.main.url}"),
            _identity(Resource="arn:aws:s3::orders"),
            _from_source(resources=["my-bucket/*"]),
        ),
        good=(
            _identity(Resource="arn:aws:s3:::${aws_s3_bucket.main.id}/*"),
            _identity(Resource="${aws_s3_bucket.main.arn}/*"),
            _identity(Resource="${aws_sns_topic.main.id}"),
            _identity(Resource="${var.bucket}/*"),
            _identity(Resource="arn:aws:s3:*"),
            _identity(Resource="*"),
        ),
    ),
    _rule(
        "iam-action",
        "Policy statement without an action of the form service:name",
        "reference_policies_elements_action.html",
        partial(judged, _ALL, _action),
        bad=(
            _identity(Action="GetObject"),
            _identity(without=("Action",)),
            _identity(NotAction="s3:*"),
            _of("aws_iam_role", {**_ASSUMED, "Action": "AssumeRole"}),
        ),
        good=(
            _identity(Action="*"),
            _identity(Action=["s3:*", "${var.action}"]),
            _identity(without=("Action",), NotAction="iam:*"),
            _of("aws_iam_role", _ASSUMED),
        ),
    ),
    _rule(
        "iam-effect",
        "Effect that is neither Allow nor Deny",
        "reference_policies_elements_effect.html",
        partial(judged, _ALL, _effect),
        bad=(_identity(Effect="allow"), _identity(without=("Effect",)), _of("aws_iam_role", {**_ASSUMED, "Effect": "ALLOW"})),
        good=(_identity(), _identity(Effect="Deny"), _identity(Effect="${var.effect}"), _from_source(resources=["*"])),
    ),
    _rule(
        "iam-policy-version",
        "Version that the policy language does not have",
        "reference_policies_elements_version.html",
        partial(judged, _ALL, _version),
        bad=(_of("aws_iam_role", _ASSUMED, version="2024-10-17"), _of("aws_iam_policy", _OWN_FOLDER, version="1.0")),
        good=(_identity(), _of("aws_iam_role", _ASSUMED, version="2008-10-17"), _of("aws_iam_role", _ASSUMED, version=None), _from_source(resources=["*"])),
    ),
    _rule(
        "iam-policy-variables",
        "Policy variables in a policy of a version that has none",
        "reference_policies_variables.html",
        partial(judged, _ALL, _variables),
        bad=(_of("aws_iam_policy", _OWN_FOLDER, version="2008-10-17"), _of("aws_iam_policy", _OWN_FOLDER, version=None)),
        good=(_of("aws_iam_policy", _OWN_FOLDER), _of("aws_iam_role", _ASSUMED, version=None)),
    ),
    _rule(
        "iam-sid",
        "Sid that IAM refuses",
        "reference_policies_elements_sid.html",
        partial(judged, IDENTITY_HOLDERS, _sid),
        bad=(
            _identity(Sid="allow read"),
            _identity(Sid="Allow-Read"),
            _of("aws_iam_role", {**_ASSUMED, "Sid": "A"}, {**_ASSUMED, "Sid": "A", "Action": "sts:TagSession"}),
        ),
        good=(
            _identity(Sid="AllowRead1"),
            _identity(Sid=""),
            _identity(Sid="Allow${var.name}"),
            _of("aws_iam_policy", {**_OWN_FOLDER, "Sid": "A"}, {**_OWN_FOLDER, "Sid": "B"}, _OWN_FOLDER, _OWN_FOLDER),
            _of("aws_s3_bucket_policy", {**_OWN_FOLDER, "Principal": "*", "Sid": "Allow read"}),
        ),
    ),
    _rule(
        "iam-policy-size",
        "Policies larger than IAM takes",
        "reference_iam-quotas.html#reference_iam-quotas-entity-length",
        policies_fit,
        bad=(
            _of("aws_iam_policy", {**_OWN_FOLDER, "Resource": _MANY}),
            {
                "resource": {
                    "aws_iam_role_policy": {name: {"role": "app", "policy": policy({**_OWN_FOLDER, "Resource": _MANY})} for name in ("a", "b")},
                }
            },
            _of("aws_iam_role", {**_ASSUMED, "Principal": {"AWS": [f"arn:aws:iam::{number:012}:root" for number in range(300)]}}),
        ),
        good=(
            _of("aws_iam_role_policy", {**_OWN_FOLDER, "Resource": _MANY}, role="app"),
            _of("aws_iam_policy", {**_OWN_FOLDER, "Resource": _MANY[:90]}),
            {"resource": {"aws_iam_role_policy": {name: {"role": name, "policy": policy({**_OWN_FOLDER, "Resource": _MANY})} for name in ("a", "b")}}},
        ),
    ),
)
