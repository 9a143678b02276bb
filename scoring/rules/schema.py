"""What does not fit the provider's schema or Terraform's own, at validate and at plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import RESOURCE_DOCS, STOPS_VALIDATION, Example, Names, Rule, listed, removed_code

if TYPE_CHECKING:
    from harness.attribution import Finding

_TERRAFORM_DOCS = "https://developer.hashicorp.com/terraform/language"
_BOTH = ("validate", "plan")
_OVERRIDE = re.compile(r"\badd_override\b")
_SHAPE = re.compile(r'attribute "\w+": (?P<where>element [^:]+: )?(?P<wanted>.+)', re.DOTALL)


def _shape(names: dict[str, str], message: str) -> Names:
    """What the schema wants: the end of the message, which says it."""
    found = _SHAPE.search(message)
    required = re.findall(r'"(\w+)"', found["wanted"]) if found else []
    wanted = f" It needs {listed(required)}." if required else f" Terraform says: {found['wanted'].rstrip('.')}." if found else ""
    limit = " It may stand there only once." if names.get("block") or names.get("single") else ""
    return names | {"name": names.get("name") or names.get("block") or names.get("single") or names["filled"], "wanted": wanted or limit}


def _unsupported(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """Who put the argument there: an override, which is told nothing of the schema, or whoever wrote it down."""
    by_override = _OVERRIDE.search(removed_code(finding))
    how = "an override put it in the wrong place" if by_override else "it was written into the wrong block, or under a wrong name"
    return names | {
        "name": names.get("name") or names["block"],
        "resource": names["resource"] if names["address"] else "The stack",
        "how": f" Either {how}, or it belongs to another resource or version.",
    }


RULES = (
    Rule(
        id="unknown-resource-type",
        gates=_BOTH,
        pattern=r'does not support (?P<what>resource type|data source) "(?P<name>\w+)"',
        category=Category.TERRAFORM,
        symbols=("name",),
        title="The provider has no {what} {name}",
        root_cause="{name} does not exist in this version of the provider: it was guessed, removed, or belongs to another provider.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: take resource types from the provider's documentation of the version that is pinned.",
        documentation=_TERRAFORM_DOCS + "/resources/syntax",
        examples=(
            Example(
                "validate",
                "Invalid resource type",
                'Invalid resource type: The provider hashicorp/aws does not support resource type "aws_bogus_thing".',
                address="aws_bogus_thing.t",
            ),
            Example(
                "validate",
                "Invalid data source",
                'Invalid data source: The provider hashicorp/aws does not support data source "aws_bogus".',
                address="data.aws_bogus.d",
            ),
        ),
    ),
    Rule(
        id="unsupported-argument",
        gates=_BOTH,
        pattern=r'(?:Extraneous JSON object property|Unsupported argument)(?s:.*?)named "(?P<name>\w+)"|Blocks of type "(?P<block>\w+)" are not expected here',
        refine=_unsupported,
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} has no argument {name}",
        root_cause="The schema has no {name} here.{how}",
        impact=STOPS_VALIDATION,
        lesson="Terraform: use only arguments of the provider's schema, in the block that has them; an override's path is relative to its resource.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Extraneous JSON object property",
                'Extraneous JSON object property: No argument or block type is named "bogus".',
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                "Extraneous JSON object property",
                'Extraneous JSON object property: No argument or block type is named "foo".',
                address="provider.aws",
                symbols=("default_tags.foo", "foo"),
            ),
            Example(
                "validate",
                "Unsupported block type",
                'Unsupported block type: Blocks of type "bogus" are not expected here.',
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                "Unsupported argument",
                'Unsupported argument: An argument named "bogus" is not expected here.',
                address="aws_s3_bucket.b",
                files=("main.tf",),
                response='bogus = "x"',
                ideal="",
            ),
        ),
    ),
    Rule(
        id="missing-required-argument",
        gates=_BOTH,
        pattern=r'Missing required argument(?s:.*?)argument "(?P<name>\w+)" is required',
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} needs {name}",
        root_cause="The provider requires {name}, and the synthesized stack has none: it was left out, was null, or stood in a dict under another spelling.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: give every required argument a value that is known to be there.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Missing required argument",
                'Missing required argument: The argument "vpc_id" is required, but no definition was found.',
                address="aws_subnet.s",
            ),
        ),
    ),
    Rule(
        id="missing-block",
        gates=_BOTH,
        pattern=(
            r'At least (?P<least>\d+) "(?P<name>\w+)" blocks are required'
            r"|Attribute (?P<list>[\w.]+) requires (?P<items>\d+) item minimum, but config has only \d+ declared"
        ),
        refine=lambda names, diagnostic, finding: names | {"name": names.get("name") or names["list"]},
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} lacks {name}",
        root_cause="The provider requires {name}, and the synthesized stack has none: it was left out, or dropped as a dict whose keys nobody knows.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: give every block that the provider's documentation calls required.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Insufficient destination blocks",
                'Insufficient destination blocks: At least 1 "destination" blocks are required.',
                address="aws_s3_bucket_replication_configuration.r",
            ),
            Example(
                "validate",
                "Not enough list items",
                "Not enough list items: Attribute owners requires 1 item minimum, but config has only 0 declared.",
                address="data.aws_ami.a",
            ),
        ),
    ),
    Rule(
        id="wrong-attribute-type",
        gates=_BOTH,
        pattern=(
            r'Incorrect attribute value type(?s:.*?)attribute "(?P<name>\w+)"|Too many (?P<block>\w+) blocks'
            r"|Attribute (?P<single>[\w.]+) (?:supports \d+ item maximum|list must contain at most)"
            r'|representing the contents of one or more "(?P<filled>\w+)" blocks'
        ),
        refine=lambda names, diagnostic, finding: _shape(names, diagnostic.message),
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{name} of {resource} has the wrong shape",
        root_cause="The provider's schema wants another type or number of {name} than the synthesized stack has.{wanted}",
        impact=STOPS_VALIDATION,
        lesson="Terraform: give attributes and blocks the shape that the provider's schema has.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Incorrect attribute value type",
                'Incorrect attribute value type: Inappropriate value for attribute "timeout": a number is required.',
                address="aws_lambda_function.f",
            ),
            Example(
                "validate",
                "Incorrect attribute value type",
                'Incorrect attribute value type: Inappropriate value for attribute "ingress": element 0: attributes "cidr_blocks", "description", '
                '"ipv6_cidr_blocks", "prefix_list_ids", "protocol", "security_groups", and "self" are required.',
                address="aws_security_group.g",
            ),
            Example(
                "validate",
                "Too many versioning_configuration blocks",
                'Too many versioning_configuration blocks: No more than 1 "versioning_configuration" blocks are allowed',
                address="aws_s3_bucket_versioning.v",
            ),
            Example(
                "validate",
                "Too many list items",
                "Too many list items: Attribute default_tags supports 1 item maximum, but config has 2 declared.",
                address='provider["registry.terraform.io/hashicorp/aws"]',
            ),
            Example(
                "validate",
                "Incorrect JSON value type",
                "Incorrect JSON value type: Either a JSON object or a JSON array is required, representing the contents of one or more "
                '"versioning_configuration" blocks.',
                address="aws_s3_bucket_versioning.v",
            ),
        ),
    ),
    Rule(
        id="computed-attribute-set",
        gates=_BOTH,
        pattern=r"Can't configure a value for \"(?P<name>\w+)\"|Invalid or unknown key",
        refine=lambda names, diagnostic, finding: names | {"name": names.get("name") or names["symbol"] or "id"},
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{name} of {resource} is AWS's to decide",
        root_cause="{name} is computed: AWS fills it in when the resource is created. The synthesized stack sets it.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: set arguments only; what the documentation lists under attributes can be read, not set.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Value for unconfigurable attribute",
                'Value for unconfigurable attribute: Can\'t configure a value for "arn": its value will be decided automatically based on the result of '
                "applying this configuration.",
                address="aws_s3_bucket.b",
            ),
            Example("validate", "Invalid or unknown key", "Invalid or unknown key", address="aws_s3_bucket.b", symbols=("id", "aws_s3_bucket")),
        ),
    ),
    Rule(
        id="lifecycle-value",
        gates=_BOTH,
        pattern=r"Unsuitable value type: Unsuitable value: (?P<wanted>[^\n]+?) is required",
        category=Category.TERRAFORM,
        symbols=("kind", "symbol"),
        title="A setting of {resource}'s lifecycle has the wrong type",
        root_cause="Terraform reads lifecycle settings before anything is evaluated, so they are plain values; here it wants {wanted}.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: prevent_destroy and its like are True or False in the code, no references and no strings.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/lifecycle",
        examples=(
            Example(
                "validate",
                "Unsuitable value type",
                "Unsuitable value type: Unsuitable value: a bool is required",
                address="aws_s3_bucket.b",
                symbols=("lifecycle.prevent_destroy", "prevent_destroy", "aws_s3_bucket"),
            ),
        ),
    ),
    Rule(
        id="terraform-name",
        gates=_BOTH,
        pattern=r"Invalid (?P<what>output|variable|resource|local value|provider configuration alias) ?(?:name)?: (?:An alias|A name) must",
        category=Category.TERRAFORM,
        symbols=("what",),
        title="Terraform does not take a name that the stack gives: {what}",
        root_cause="Terraform's names begin with a letter or underscore and have only letters, digits, underscores and dashes; this {what} has more.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: overridden logical ids and aliases are plain words.",
        documentation=_TERRAFORM_DOCS + "/syntax/configuration#identifiers",
        examples=(
            Example(
                "validate",
                "Invalid output name",
                "Invalid output name: A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.",
            ),
            Example(
                "validate",
                "Invalid provider configuration alias",
                "Invalid provider configuration alias: An alias must be a valid name. A name must start with a letter or underscore and may contain only "
                "letters, digits, underscores, and dashes.",
            ),
        ),
    ),
    Rule(
        id="variable-type",
        gates=_BOTH,
        pattern=r'Invalid type specification: The keyword "(?P<name>[^"]*)" is not a valid type specification',
        category=Category.TERRAFORM,
        symbols=("name",),
        title="Terraform has no type {name}",
        root_cause="A variable's type is a word of Terraform's (string, number, bool, list, map, any), and {name} is none.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: variables have Terraform's types, written in its own words.",
        documentation=_TERRAFORM_DOCS + "/expressions/type-constraints",
        examples=(
            Example(
                "validate",
                "Invalid type specification",
                'Invalid type specification: The keyword "strin" is not a valid type specification.',
                address="variable.x",
            ),
        ),
    ),
    Rule(
        id="version-constraint",
        gates=_BOTH,
        pattern=r"Unsupported Terraform Core version|Invalid version constraint",
        category=Category.TERRAFORM,
        symbols=("code",),
        title="The stack asks for versions that cannot be had: {code}",
        root_cause="The stack's version constraint is not written in Terraform's syntax, or shuts out the Terraform that the task has.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: constrain versions only where it is needed, in the form >= 1.5, ~> 5.0.",
        documentation=_TERRAFORM_DOCS + "/expressions/version-constraints",
        examples=(
            Example(
                "validate",
                "Unsupported Terraform Core version",
                "Unsupported Terraform Core version: This configuration does not support Terraform version 1.11.4. To proceed, either choose another "
                "supported Terraform version or update this version constraint.",
            ),
            Example(
                "validate",
                "Invalid version constraint",
                "Invalid version constraint: This string does not use correct version constraint syntax.",
                address="terraform.required_providers",
            ),
        ),
    ),
)
