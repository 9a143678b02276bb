"""Rules on account ids: an account id written into the code ties it to one account, mostly a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import ResourceGraph, strings
from harness.failures import Category, Severity

_IN_ARN = re.compile(r"arn:[\w-]+:[\w-]*:[\w-]*:(\d{12}):")
_PRINCIPAL = re.compile(r'"AWS"\s*:\s*\[?\s*"(\d{12})"')
AWS_OWNED = frozenset(
    # Accounts in which AWS itself acts: Elastic Load Balancing's log delivery, by region
    # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
    "127311923021 033677994240 027434742980 797873946194 098369216593 754344448648 589379963580 718504428378 383597477331 "
    "600734575887 114774131450 783225319266 582318560864 985666609251 054676820928 156460612806 652711504416 635631232127 "
    "009996457667 897822967062 076674570225 507241528517".split()
)


def no_account_id(graph: ResourceGraph) -> Iterator[Violation]:
    """An account id in an ARN or a principal has to come from `aws_caller_identity`, not from the source text."""
    for node in graph.nodes:
        text = "\n".join(strings(node.own_arguments))
        for account in sorted({*_IN_ARN.findall(text), *_PRINCIPAL.findall(text)} - AWS_OWNED):
            message = f"{node.address}: the account id {account} is written into it instead of coming from aws_caller_identity"
            yield Violation(message, (node,), (account, node.address.partition(".")[2]), node.address)


def _example(account: str) -> dict:  # type: ignore[type-arg]
    policy = f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::{account}:root"}}, "Action": "kms:*", "Resource": "*"}}]}}'
    return {"resource": {"aws_kms_key": {"main": {"policy": policy}}}}


RULES = (
    Rule(
        id="account-id-hardcoded",
        title="Account id hard-coded",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/caller_identity",
        check=no_account_id,
        bad=(_example("123456789012"),),
        good=(_example("${data.aws_caller_identity.current.account_id}"), _example("127311923021")),
    ),
)
