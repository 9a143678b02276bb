"""What only a deployment shows: wrong order, names that clash, changes that never settle, and what destroy cannot take away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import RESOURCE_DOCS, Example, Merge, Names, Rule, listed

if TYPE_CHECKING:
    from harness.attribution import Finding

_APPLY = ("apply",)
_LANGUAGE = "https://developer.hashicorp.com/terraform/language"
_STOPS_APPLY = "The deployment stops half-way: what was created before stays, what depends on this is never made. Seen on an emulated AWS."
_ADDRESS = re.compile(r"^aws_\w+\.\w")
_DRIFT = "drift: a second plan, right after the apply, would change {address} again: "


def _others(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """The resources that the diagnostic names beside its own; without one the rule does not hold."""
    others = [symbol for symbol in diagnostic.symbols if _ADDRESS.match(symbol)]
    return names | {"other": listed(others)} if others else None


def _attributes(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    return names | {"attributes": listed([symbol for symbol in diagnostic.symbols if not symbol.startswith("aws_")] or ["all of it"])}


RULES = (
    Rule(
        id="apply-undone",
        gates=_APPLY,
        codes=("drift",),
        pattern=r"is undone by (?P<other>[\w.\[\]\", -]+?)(?:;|$)",
        refine=_attributes,
        category=Category.TERRAFORM,
        symbols=("kind", "attributes"),
        title="{resource} and another resource undo each other: {attributes}",
        root_cause="{address} and {other} manage the same thing. Each apply makes one of them true and the other untrue, so no plan is ever empty.",
        impact="Every deployment changes something that nobody changed, and for a while the half that was last removed is missing.",
        lesson="Terraform: manage one thing in one place, either inside the resource or by resources of its own, never both.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "apply",
                "drift",
                _DRIFT.format(address="aws_security_group.g") + "ingress is undone by aws_security_group_rule.r",
                address="aws_security_group.g",
                symbols=("ingress", "aws_security_group"),
            ),
        ),
    ),
    Rule(
        id="apply-never-settles",
        gates=_APPLY,
        codes=("drift",),
        pattern=r"wants another value with each plan",
        refine=_attributes,
        category=Category.TERRAFORM,
        symbols=("kind", "attributes"),
        title="{resource} changes with every plan: {attributes}",
        root_cause="The value of {attributes} of {address} is another one each time that Terraform evaluates it, so no plan is ever empty.",
        impact="Every deployment changes something that nobody changed; real changes go unnoticed among them.",
        lesson="Terraform: keep timestamp(), uuid() and bcrypt() out of what a resource is made of; what has to be drawn once is a resource of its own.",
        documentation=_LANGUAGE + "/functions/timestamp",
        examples=(
            Example(
                "apply",
                "drift",
                _DRIFT.format(address="aws_cloudwatch_log_group.l") + "tags wants another value with each plan",
                address="aws_cloudwatch_log_group.l",
                symbols=("tags", "aws_cloudwatch_log_group"),
            ),
        ),
    ),
    Rule(
        id="destroy-not-deletable",
        gates=_APPLY,
        codes=("cannot be deleted",),
        category=Category.TERRAFORM,
        symbols=("kind",),
        title="{resource} cannot be taken away by destroy",
        root_cause="{address} protects itself: it is not empty, or deletion protection, prevent_destroy or a final snapshot without a name stands in the way.",
        impact="`terraform destroy` stops here and leaves the rest; a change that replaces the resource stops as well.",
        lesson="Terraform: decide how a resource ends when it is written (force_destroy, skip_final_snapshot, deletion protection by environment).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "apply",
                "cannot be deleted",
                "cannot be deleted: deleting S3 Bucket (docs-site-logs-dev): operation error S3: DeleteBucket, api error BucketNotEmpty: The bucket you tried "
                "to delete is not empty",
                address="aws_s3_bucket.b",
                symbols=("aws_s3_bucket",),
            ),
            Example(
                "apply",
                "cannot be deleted",
                "cannot be deleted: Instance cannot be destroyed: Resource aws_cloudwatch_log_group.l has lifecycle.prevent_destroy set, but the plan calls "
                "for this resource to be destroyed.",
                address="aws_cloudwatch_log_group.l",
                symbols=("aws_cloudwatch_log_group",),
            ),
            Example(
                "apply",
                "cannot be deleted",
                "cannot be deleted: final_snapshot_identifier is required when skip_final_snapshot is false",
                address="aws_db_instance.d",
                symbols=("aws_db_instance",),
            ),
        ),
    ),
    Rule(
        id="destroy-leaves",
        gates=_APPLY,
        codes=("destroy leaves something",),
        category=Category.TERRAFORM,
        symbols=("kind",),
        title="Destroy leaves {resource}",
        root_cause="Terraform could not delete {address}: something that Terraform does not know to come first still uses it.",
        impact="`terraform destroy` ends with an error, and what is left goes on to cost money and keeps its name.",
        lesson="Terraform: what uses a resource has to refer to it, so that destroy takes the user away first.",
        documentation=_LANGUAGE + "/meta-arguments/depends_on",
        examples=(
            Example(
                "apply",
                "destroy leaves something",
                "destroy leaves something: deleting EC2 VPC (<id>): operation error EC2: DeleteVpc, api error DependencyViolation: The vpc '<id>' has "
                "dependencies and cannot be deleted.",
                address="aws_vpc.v",
                symbols=("aws_vpc",),
            ),
        ),
    ),
    Rule(
        # Before those that read what AWS said: what a command prints may look like that.
        id="apply-provisioner-fails",
        gates=_APPLY,
        codes=("local-exec provisioner error",),
        pattern=r"(?s)Error running command '(?P<command>.*?)': (?P<why>exit status \d+|.+?)(?:\. Output|$)",
        category=Category.TERRAFORM,
        symbols=("kind", "why"),
        title="The provisioner of {resource} fails: {why}",
        root_cause="{address} runs a command on the machine that applies, and the command fails ({why}); Terraform then taints the resource and stops.",
        impact=_STOPS_APPLY,
        lesson="Terraform: provisioners are a last resort; what a command does is better done by a resource, and a script that is needed belongs to the code.",
        documentation=_LANGUAGE + "/resources/provisioners/local-exec",
        examples=(
            Example(
                "apply",
                "local-exec provisioner error",
                "local-exec provisioner error: Error running command 'echo oops >&2; exit 3': exit status 3. Output: oops\n",
                address="terraform_data.t",
                symbols=("terraform_data",),
            ),
        ),
    ),
    Rule(
        id="apply-name-clash",
        gates=_APPLY,
        pattern=r"(?i)already ?exist|already ?owned|NameInUse|ResourceInUse|\.Duplicate|\.Conflict",
        refine=_others,
        category=Category.TERRAFORM,
        symbols=("kind", "other"),
        merge=Merge.PER_SYMBOLS,
        title="{resource} and {other} want the same name or place",
        root_cause="In an empty account {address} meets something that is there already: {other} of the same stack made it.",
        impact=_STOPS_APPLY,
        lesson="Terraform: give every resource a name of its own, made of the construct's id or its environment.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "apply",
                "creating CloudWatch Logs Log Group (same): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: The specified log "
                "group already exists",
                "creating CloudWatch Logs Log Group (same): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: The specified log "
                "group already exists",
                address="aws_cloudwatch_log_group.a",
                symbols=("aws_cloudwatch_log_group", "aws_cloudwatch_log_group.b"),
            ),
        ),
    ),
    Rule(
        id="apply-not-there-yet",
        gates=_APPLY,
        pattern=r"(?i)NotFound|NoSuch|does ?n[o']t exist|not found",
        refine=_others,
        category=Category.TERRAFORM,
        symbols=("kind", "other"),
        title="{resource} does not find {other}",
        root_cause="{address} names {other} by a value that is not the one asked for (an ARN for an id), or by text, which does not order them.",
        impact=_STOPS_APPLY,
        lesson="Terraform: refer to the attribute that is asked for (id, arn, name) of the resource itself; the reference is also what orders the two.",
        documentation=_LANGUAGE + "/expressions/references",
        examples=(
            Example(
                "apply",
                "creating EC2 Subnet: operation error EC2: CreateSubnet, api error InvalidVpcID.NotFound: VpcID arn:aws:ec2:us-east-1:123456789012:vpc/<id> "
                "does not exist.",
                "creating EC2 Subnet: operation error EC2: CreateSubnet, api error InvalidVpcID.NotFound: VpcID arn:aws:ec2:us-east-1:123456789012:vpc/<id> "
                "does not exist.",
                address="aws_subnet.s",
                symbols=("aws_subnet", "aws_vpc.v"),
            ),
            Example(
                "apply",
                "putting IAM Role (my-role) Policy (p): operation error IAM: PutRolePolicy, NoSuchEntity: Role my-role not found",
                "putting IAM Role (my-role) Policy (p): operation error IAM: PutRolePolicy, NoSuchEntity: Role my-role not found",
                address="aws_iam_role_policy.p",
                symbols=("aws_iam_role_policy", "aws_iam_role.r"),
            ),
        ),
    ),
    Rule(
        id="apply-refused",
        gates=_APPLY,
        pattern=r"operation error (?P<service>[\w ]+): (?P<operation>\w+), (?:api error )?(?P<error>[\w.]+): (?P<why>.+?)\.?$",
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "operation", "error"),
        title="{service} refuses {operation} of {resource}: {error}",
        root_cause="The request that {address} stands for is refused: {why}.",
        impact=_STOPS_APPLY,
        lesson="AWS: read what the service's API asks for, not only what the provider's schema allows.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "apply",
                "",
                "putting IAM Role (r) Policy (p): operation error IAM: PutRolePolicy, MalformedPolicyDocument: Actions/Conditions must be prefaced by a "
                "vendor, e.g., iam, sdb, ec2, etc.",
                address="aws_iam_role_policy.p",
                symbols=("aws_iam_role_policy",),
            ),
            Example(
                "apply",
                "",
                "creating S3 Bucket (bk): operation error S3: CreateBucket, api error InvalidBucketName: The specified bucket is not valid.",
                address="aws_s3_bucket.b",
                symbols=("aws_s3_bucket",),
            ),
        ),
    ),
)
