"""References, functions and meta-arguments that Terraform cannot evaluate, and providers that are not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import STOPS_PLAN, STOPS_VALIDATION, Example, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_TERRAFORM_DOCS = "https://developer.hashicorp.com/terraform/language"
_BOTH = ("validate", "plan")


def _declared_nowhere(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    prefix = {"data": "data.", "input variable": "var.", "local value": "local.", "module": "module."}.get(names.get("what", ""), "")
    return names | {"name": prefix + ".".join(re.findall(r'"([\w-]+)"', diagnostic.message)[: 2 if names.get("what") in ("resource", "data") else 1])}


def _at_depends_on(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    return names if "depends_on" in diagnostic.symbols or "depends_on" in names["code"] else None


RULES = (
    Rule(
        id="provider-repeated",
        gates=_BOTH,
        pattern=r"Duplicate provider configuration: (?:A default \(non-aliased\) provider configuration|A provider configuration) for \"(?P<name>[\w-]+)\"",
        category=Category.TERRAFORM,
        symbols=("name",),
        title="The stack configures the provider {name} twice under one name",
        root_cause="A stack has one {name} provider without an alias; every further one needs an alias of its own, which the resources then name.",
        impact=STOPS_VALIDATION,
        lesson="CDKTF providers: create one default provider a stack, and give every further one an alias.",
        documentation=_TERRAFORM_DOCS + "/providers/configuration#alias-multiple-provider-configurations",
        examples=(
            Example(
                "validate",
                "Duplicate provider configuration",
                'Duplicate provider configuration: A default (non-aliased) provider configuration for "aws" was already given at cdk.tf.json. If multiple '
                'configurations are required, set the "alias" argument for alternative configurations.',
            ),
            Example(
                "validate",
                "Duplicate provider configuration",
                'Duplicate provider configuration: A provider configuration for "aws" with alias "x" was already given at cdk.tf.json. Each configuration '
                "for the same provider must have a distinct alias.",
            ),
        ),
    ),
    Rule(
        id="provider-not-configured",
        gates=_BOTH,
        pattern=r"Provider configuration not present: To work with (?P<at>\S+) its original provider configuration at provider\[[^\]]*\]\.?(?P<name>[\w-]*) is",
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} uses a provider that the stack does not configure",
        root_cause="{at} names a provider, by its alias {name}, for which the stack has no configuration.",
        impact=STOPS_VALIDATION,
        lesson="CDKTF providers: pass the provider object; it then is part of the stack by itself.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/resource-provider",
        examples=(
            Example(
                "validate",
                "Provider configuration not present",
                "Provider configuration not present: To work with aws_s3_bucket.b its original provider configuration at "
                'provider["registry.terraform.io/hashicorp/aws"].west is required, but it has been removed. This occurs when a provider configuration is '
                "removed while objects created by that provider still exist in the state.",
                address="aws_s3_bucket.b",
            ),
        ),
    ),
    Rule(
        id="depends-on-expression",
        gates=_BOTH,
        pattern=r"Invalid depends_on reference|Invalid expression: A (?:single static variable reference|static list expression) is required",
        refine=_at_depends_on,
        category=Category.TERRAFORM,
        symbols=("kind",),
        title="depends_on of {resource} is no list of resources",
        root_cause="Terraform reads depends_on without evaluating anything, so it holds whole resources by their address. Terraform says: {summary}.",
        impact=STOPS_VALIDATION,
        lesson="CDKTF dependencies: pass depends_on=[resource] to the constructor, and let CDKTF write the addresses.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/depends_on",
        examples=(
            Example(
                "validate",
                "Invalid depends_on reference",
                "Invalid depends_on reference: References in depends_on must be to a whole object (resource, etc), not to an attribute of an object.",
                address="aws_s3_bucket.b",
                symbols=("depends_on", "aws_s3_bucket"),
            ),
            Example(
                "validate",
                "Invalid expression",
                "Invalid expression: A static list expression is required.",
                address="aws_s3_bucket.b",
                symbols=("depends_on", "aws_s3_bucket"),
            ),
        ),
    ),
    Rule(
        id="undeclared-reference",
        gates=_BOTH,
        pattern=r"Reference to undeclared (?P<what>input variable|local value|module|resource)(?:: A (?P<data>data) resource)?",
        refine=lambda names, diagnostic, finding: _declared_nowhere(names | ({"what": "data"} if "data" in names else {}), diagnostic, finding),
        category=Category.TERRAFORM,
        symbols=("name",),
        title="The stack refers to {name}, which it does not have",
        root_cause="Nothing in the stack is {name}: the reference was written by hand, or to something of another stack.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: refer to resources through their objects, which cannot name what does not exist.",
        documentation=_TERRAFORM_DOCS + "/expressions/references",
        examples=(
            Example(
                "validate",
                "Reference to undeclared resource",
                'Reference to undeclared resource: A managed resource "aws_vpc" "nothere" has not been declared in the root module.',
            ),
            Example(
                "validate",
                "Reference to undeclared resource",
                'Reference to undeclared resource: A data resource "aws_region" "x" has not been declared in the root module.',
            ),
            Example(
                "validate",
                "Reference to undeclared input variable",
                'Reference to undeclared input variable: An input variable with the name "x" has not been declared. This variable can be declared with a '
                'variable "x" {} block.',
            ),
        ),
    ),
    Rule(
        id="unsupported-attribute",
        gates=_BOTH,
        pattern=r'Unsupported attribute: (?:This object [^\n]* named "(?P<name>\w+)"|Can\'t access attributes on (?P<on>[^\n.]+))',
        refine=lambda names, diagnostic, finding: (
            names | {"problem": f"has no attribute {names['name']}" if "name" in names else f"is {names['on']}, which has no attributes"}
        ),
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="An expression reads an attribute that is not there",
        root_cause="What the expression refers to {problem}. It was written by hand, or put together by an override or from text.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: read attributes through the object's Python properties, which cannot name what does not exist.",
        documentation=_TERRAFORM_DOCS + "/expressions/references",
        examples=(
            Example(
                "validate",
                "Unsupported attribute",
                'Unsupported attribute: This object has no argument, nested block, or exported attribute named "bogus".',
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                "Unsupported attribute",
                "Unsupported attribute: Can't access attributes on a primitive-typed value (string).",
                address="aws_s3_bucket.b",
            ),
        ),
    ),
    Rule(
        id="asset-file-missing",
        gates=(*_BOTH, "constraints"),
        pattern=(
            r"function \"(?P<function>\w+)\" failed: open (?P<path>\S+): no such file"
            r"|Invalid value for \"path\" parameter: no file exists at \"(?P<absent>[^\"]+)\""
            r"|: \w+ names (?P<named>\S+), which is not there when terraform runs"
        ),
        refine=lambda names, diagnostic, finding: names | {"path": names.get("path") or names.get("absent") or names["named"]},
        category=Category.PACKAGING,
        symbols=("path",),
        title="A file that the stack deploys was never written: {path}",
        root_cause="The stack reads, hashes or uploads {path}, which the response does not contain and does not build.",
        impact=STOPS_PLAN,
        lesson="Packaging: ship or build the archives that lambda functions and uploads are made of.",
        documentation=_TERRAFORM_DOCS + "/functions/filebase64sha256",
        examples=(
            Example(
                "plan",
                "Error in function call",
                'Error in function call: Call to function "filebase64sha256" failed: open nope.zip: no such file or directory.',
            ),
            Example(
                "plan",
                "Invalid function argument",
                'Invalid function argument: Invalid value for "path" parameter: no file exists at "nope.txt"; this function works only with files that '
                "are distributed as part of the configuration source code",
            ),
            Example(
                "constraints",
                "deployed-file-missing",
                "aws_lambda_function.main: filename names lambda.zip, which is not there when terraform runs, and nothing in the program makes it",
                address="aws_lambda_function.main",
            ),
        ),
    ),
    Rule(
        id="outside-its-context",
        gates=_BOTH,
        pattern=(
            r'Reference to "(?P<name>each|count)" in|(?P<used>each|count)\.\w+ cannot be used in this context|'
            r'Invalid "(?P<self>self)" reference|Invalid combination of "(?P<both>count)" and "for_each"'
            r"|(?P<key>Unexpected resource instance key)"
        ),
        refine=lambda names, diagnostic, finding: (
            names
            | {
                "name": names.get("name")
                or names.get("used")
                or names.get("self")
                or (f"{names['both']} with for_each" if "both" in names else "an instance key")
            }
        ),
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} uses {name} where it has no meaning",
        root_cause="each, count, self and instance keys exist only where for_each or count makes several instances, or in a provisioner: {summary}.",
        impact=STOPS_VALIDATION,
        lesson="CDKTF iteration: loop in Python, or with a TerraformIterator; do not write each.key or count.index into strings.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/concepts/iterators",
        examples=(
            Example(
                "validate",
                'Reference to "each" in context without for_each',
                'Reference to "each" in context without for_each: The "each" object can be used only in "module" or "resource" blocks, and only when the '
                '"for_each" argument is set.',
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                "each.value cannot be used in this context",
                'each.value cannot be used in this context: A reference to "each.value" has been used in a context in which it is unavailable, such as when '
                'the configuration no longer contains the value in its "for_each" expression. Remove this reference to each.value in your configuration '
                "to work around this error.",
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                'Invalid combination of "count" and "for_each"',
                'Invalid combination of "count" and "for_each": The "count" and "for_each" meta-arguments are mutually-exclusive, only one should be used '
                "to be explicit about the number of resources to be created.",
                address="aws_s3_bucket.b",
            ),
            Example(
                "validate",
                "Unexpected resource instance key",
                'Unexpected resource instance key: Because aws_vpc.v does not have "count" or "for_each" set, references to it must not include an index '
                "key. Remove the bracketed index to refer to the single instance of this resource.",
                address="aws_s3_bucket.b",
            ),
        ),
    ),
    Rule(
        id="for-each-type",
        gates=_BOTH,
        pattern=r'The given "for_each" argument value is unsuitable',
        category=Category.TERRAFORM,
        symbols=("kind",),
        title="for_each of {resource} is given a list",
        root_cause="for_each takes a map or a set of strings, because every instance needs a key; a list has none.",
        impact=STOPS_VALIDATION,
        lesson="CDKTF iteration: TerraformIterator.from_list and from_map make what for_each takes.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/for_each",
        examples=(
            Example(
                "validate",
                "Invalid for_each argument",
                'Invalid for_each argument: The given "for_each" argument value is unsuitable: the "for_each" argument must be a map, or set of strings, '
                "and you have provided a value of type tuple.",
                address="aws_s3_bucket.b",
            ),
        ),
    ),
    Rule(
        id="unknown-at-plan",
        gates=("plan",),
        pattern=r"Invalid (?P<name>for_each|count) argument",
        category=Category.TERRAFORM,
        symbols=("name",),
        title="{name} depends on what is known only after apply",
        root_cause=("Terraform has to know how many instances there are when it plans; here that comes from attributes of resources that do not exist yet."),
        impact=STOPS_PLAN,
        lesson="Terraform: take keys and counts from inputs, not from attributes of resources that are created in the same run.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/for_each",
        examples=(
            Example(
                "plan",
                "Invalid for_each argument",
                'Invalid for_each argument: The "for_each" set includes values derived from resource attributes that cannot be determined until apply, and '
                "so Terraform cannot determine the full set of keys that will identify the instances of this resource.",
            ),
        ),
    ),
    Rule(
        id="list-in-text",
        gates=_BOTH,
        pattern=r"Invalid template interpolation value",
        category=Category.TERRAFORM,
        symbols=("kind", "symbol"),
        title="{symbol} of {resource} puts a list or an object into text",
        root_cause="Inside text an expression has to be a string or a number: {summary}.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: join lists with Fn.join before they go into text, and take one attribute of an object.",
        documentation=_TERRAFORM_DOCS + "/expressions/strings#interpolation",
        examples=(
            Example(
                "validate",
                "Invalid template interpolation value",
                "Invalid template interpolation value: Cannot include the given value in a string template: string required.",
                address="aws_s3_bucket.b",
                symbols=("bucket", "aws_s3_bucket"),
            ),
        ),
    ),
    Rule(
        id="expression-error",
        gates=_BOTH,
        pattern=(
            r"(?:Error in function call|Not enough function arguments|Too many function arguments|Call to unknown function|Invalid function argument"
            r"|Invalid expression|Invalid operand|Invalid index|Invalid reference|Invalid template)(?:: [^\n]*?\b[Ff]unction \"(?P<function>\w+)\")?"
            r'(?:: There is no function named "(?P<unknown>\w+)")?'
        ),
        refine=lambda names, diagnostic, finding: (
            names | {"function": names.get("function") or names.get("unknown") or "", "what": names["summary"].partition(": ")[2] or names["summary"]}
        ),
        category=Category.TERRAFORM,
        symbols=("kind", "code", "function"),
        title="A Terraform expression that cannot be evaluated: {code}",
        root_cause="An expression that the stack hands to Terraform is wrong: {what}.",
        impact=STOPS_PLAN,
        lesson="Terraform: write expressions with Fn.* and properties, which check names and arguments.",
        documentation=_TERRAFORM_DOCS + "/expressions",
        examples=(
            Example(
                "validate",
                "Not enough function arguments",
                'Not enough function arguments: Function "element" expects 2 argument(s). Missing value for "index".',
            ),
            Example(
                "plan",
                "Error in function call",
                'Error in function call: Call to function "element" failed: cannot use element function with an empty list.',
            ),
            Example("validate", "Call to unknown function", 'Call to unknown function: There is no function named "bogus".'),
            Example(
                "validate",
                "Invalid operand",
                "Invalid operand: Unsuitable value for right operand: a number is required.",
                address="aws_s3_bucket.b",
            ),
            Example("plan", "Invalid index", "Invalid index: The given key does not identify an element in this collection value."),
            Example(
                "validate",
                "Invalid reference",
                "Invalid reference: A reference to a resource type must be followed by at least one attribute access, specifying the resource name.",
            ),
        ),
    ),
    Rule(
        id="dependency-cycle",
        gates=_BOTH,
        pattern=r"Cycle: (?P<members>[^\n]+)",
        category=Category.ARCHITECTURE,
        symbols=("members",),
        title="Resources depend on each other in a circle: {members}",
        root_cause="Each of the resources needs the other to exist first, so there is no order in which they can be created.",
        impact=STOPS_VALIDATION,
        lesson="Architecture: break cycles with a resource of their own for the link (security group rules, attachments).",
        documentation="https://developer.hashicorp.com/terraform/internals/graph",
        examples=(Example("validate", "", "Cycle: aws_security_group.b, aws_security_group.a"),),
    ),
)
