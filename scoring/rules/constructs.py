"""The construct tree: ids, providers, assets."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Rule

RULES = (
    Rule(
        id="duplicate-construct-id",
        gates=("synth",),
        pattern=r"There is already a Construct with name '(?P<name>[^']+)' in (?P<scope>\w+)",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="Two constructs are called {name}",
        root_cause="Construct ids are unique within their scope, whatever the type; a resource and an output may not share one either.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: ids are unique within a scope, across resources, data sources and outputs.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(Example("synth", "RuntimeError", "There is already a Construct with name 'b' in TerraformStack [S]"),),
    ),
    Rule(
        id="no-provider",
        gates=("synth",),
        pattern=r"Found resources without a matching provider construct.*following providers: (?P<name>[\w, -]+)",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="The stack has no provider: {name}",
        root_cause=("A stack with resources needs a provider construct of its own; each TerraformStack is synthesized and deployed by itself."),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF providers: create the provider in every stack that has its resources.",
        documentation=CDKTF_DOCS + "/providers",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Error: Validation failed with the following errors:\n  [S] Found resources without a matching provider construct. "
                "Please make "
                "sure to add provider constructs [e.g. new RandomProvider(...)] to your stack 'S' for the following providers: aws",
            ),
        ),
    ),
    Rule(
        id="asset-missing",
        gates=("synth",),
        pattern=r"TerraformAsset (?P<name>\S+) was created with a relative path '(?P<path>[^']*)'|ENOENT: no such file or directory, \w+ '(?P<absent>[^']*)'",
        category=Category.PACKAGING,
        symbols=("path", "absent"),
        title="An asset's path leads nowhere",
        root_cause=("The response packages a file or folder that is not there, or names it by a path that only works from another directory."),
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: ship the files that assets are made of, and name them by absolute paths built from __file__.",
        documentation=CDKTF_DOCS + "/assets",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "TerraformAsset a was created with a relative path './nope', but we cannot find the cdktf.json within your current working directory",
            ),
            Example("synth", "RuntimeError", "ENOENT: no such file or directory, stat '/nonexistent/x'"),
        ),
    ),
    Rule(
        id="attribute-not-in-bindings",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=(
            r"'(?P<owner>(?!NoneType)[A-Z]\w*(?<!Stack))' object has no attribute '(?P<name>\w+)'"
            r"|type object '(?P<type>[A-Z]\w+)' has no attribute '(?P<member>\w+)'"
            r"|module '(?P<module>cdktf[\w.]*)' has no attribute '(?P<defined>\w+)'"
        ),
        refine=lambda names, diagnostic, finding: (
            names
            | {
                "owner": names.get("owner") or names.get("type") or names["module"],
                "name": names.get("name") or names.get("member") or names["defined"],
            }
        ),
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} has no {name}",
        root_cause="The response reads {name}, which {owner} does not have: an attribute of the raw AWS API, of HCL, or a guess.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF attributes: a resource has the attributes of its Terraform documentation, and Fn the functions of Terraform.",
        documentation=CDKTF_DOCS + "/functions",
        examples=(
            Example("synth", "AttributeError", "'S3Bucket' object has no attribute 'bucket_arn'", symbols=("bucket_arn",)),
            Example("synth", "AttributeError", "type object 'Fn' has no attribute 'sub'", symbols=("sub",), detail="nearest: substr, sum"),
        ),
    ),
)
