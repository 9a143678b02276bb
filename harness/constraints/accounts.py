"""Rules on account ids: one written into the code ties it to one account, and an ARN without one names nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.expressions import named_strings
from harness.constraints.graph import ResourceGraph
from harness.failures import Category, Severity

_ARN = re.compile(r"arn:[\w-]+:(?P<service>[\w-]*):[\w-]*:(?P<account>\d{12}):(?P<resource>[\w-]*)")
_NOBODY = re.compile(r"arn:[\w-]+:iam::(?:None|undefined|null)?:(?:root|role/|user/|policy/)[\w+=,.@/-]*")
_ACCOUNT = re.compile(r"\d{12}")
# fmt: off
_ACCOUNT_NAMES = frozenset({  # arguments and condition keys whose value is an account id, and where principals stand
    "AWS", "identifiers", "source_account", "account_id", "peer_owner_id", "bucket_owner", "expected_bucket_owner",
    "aws:SourceAccount", "aws:SourceOwner", "aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount", "kms:CallerAccount",
})
AWS_OWNED = frozenset({
    # Accounts in which AWS itself acts: Elastic Load Balancing's log delivery, by region
    # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
    "127311923021", "033677994240", "027434742980", "797873946194", "098369216593", "754344448648", "589379963580",
    "718504428378", "383597477331", "600734575887", "114774131450", "783225319266", "582318560864", "985666609251",
    "054676820928", "156460612806", "652711504416", "635631232127", "009996457667", "897822967062", "076674570225",
    "507241528517", "048591011584", "190560391635", "638102146993", "037604701340",
})
# fmt: on


def no_account_id(graph: ResourceGraph) -> Iterator[Violation]:
    """An account id in an ARN or a principal has to come from `aws_caller_identity`, not from the source text."""
    for node in graph.nodes:
        accounts = sorted(set(_accounts(node.own_arguments)) - AWS_OWNED)
        if accounts:
            many = "s" if len(accounts) > 1 else ""
            verb = "are" if many else "is"
            message = f"{node.address}: the account id{many} {', '.join(accounts)} {verb} written into it instead of coming from aws_caller_identity"
            yield Violation(message, (node,), (*accounts, node.address.rpartition(".")[2]), node.address)


def _accounts(arguments: dict[str, Any]) -> Iterator[str]:
    for name, text in named_strings(arguments):
        if name in _ACCOUNT_NAMES and _ACCOUNT.fullmatch(text):
            yield text
        for match in _ARN.finditer(text):
            # Layers come from their publishers' accounts; there is no other way to name one.
            if (match["service"], match["resource"]) != ("lambda", "layer"):
                yield match["account"]


def arns_name_an_account(graph: ResourceGraph) -> Iterator[Violation]:
    """The ARN of an IAM root, role, user or policy has an account id in it; IAM refuses a policy that names one without."""
    for node in graph.nodes:
        found = sorted({match.group() for _, text in named_strings(node.own_arguments) for match in _NOBODY.finditer(text)})
        if found:
            message = f"{node.address}: no account id in {', '.join(found)}"
            yield Violation(message, (node,), (*found, node.address.rpartition(".")[2]), node.address)


def _key(principal: str) -> dict[str, Any]:
    policy = f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "kms:*", "Resource": "*"}}]}}'
    return {"resource": {"aws_kms_key": {"main": {"policy": policy}}}}


def _layer(account: str) -> dict[str, Any]:
    return {"resource": {"aws_lambda_function": {"main": {"layers": [f"arn:aws:lambda:eu-west-1:{account}:layer:powertools:2"]}}}}


_LOOKED_UP = "${data.aws_caller_identity.current.account_id}"

RULES = (
    Rule(
        id="account-id-hardcoded",
        title="Account id hard-coded",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/caller_identity",
        check=no_account_id,
        bad=(
            _key("arn:aws:iam::123456789012:root"),
            _key("000000000000"),
            {"resource": {"aws_lambda_permission": {"main": {"source_account": "123456789012"}}}},
        ),
        good=(
            _key(f"arn:aws:iam::{_LOOKED_UP}:root"),
            _key("arn:aws:iam::127311923021:root"),
            _layer("017000801446"),
            {"resource": {"aws_ssm_parameter": {"phone": {"value": "123456789012"}}}},
        ),
    ),
    Rule(
        id="account-id-missing",
        title="ARN without an account id",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns",
        check=arns_name_an_account,
        bad=(_key("arn:aws:iam:::root"), _key("arn:aws:iam::None:role/deploy")),
        good=(_key(f"arn:aws:iam::{_LOOKED_UP}:root"), _key("arn:aws:iam::aws:policy/ReadOnlyAccess"), _key("arn:aws:s3:::bucket/root")),
    ),
)
