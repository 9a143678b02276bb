"""Imports of names and modules that do not exist."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Merge, Names, Rule, nearest_names
from scoring.rules.packages import exists

if TYPE_CHECKING:
    from harness.attribution import Finding

# Resources whose plain class name is a nested struct of another resource (`S3BucketVersioning` is the
# `versioning` block of `S3Bucket`), for which the generator appends an A. Read off the 20.1.0 bindings.
SUFFIXED_MODULES = frozenset(
    {
        "autoscaling_group_tag",
        "dynamodb_table_replica",
        "ec2_managed_prefix_list_entry",
        "network_interface_attachment",
        "s3_bucket_logging",
        "s3_bucket_object_lock_configuration",
        "s3_bucket_replication_configuration",
        "s3_bucket_server_side_encryption_configuration",
        "s3_bucket_versioning",
        "vpc_peering_connection_accepter",
    }
)
_CODE_FOLDERS = frozenset({"lib", "src", "stacks", "modules", "app", "constructs_lib", "infrastructure"})


def _suffix(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    name, near = names["name"], nearest_names(diagnostic)
    if f"{name}A" not in near and names["module"] not in SUFFIXED_MODULES:
        return None
    # A nested name of such a module (`...VersioningConfiguration`) is the same mistake: guessed from the plain class name.
    real = f"{name}A" if f"{name}A" in near or not near else near[0]
    return names | {"real": real, "pair": f"{name} is {real}"}


def _suggest(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    near = nearest_names(diagnostic)
    return names | {"hint": f" Nearest: {', '.join(near[:3])}." if near else ""}


def _left_out(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    path = names["module"].replace(".", "/")
    written = any(file.startswith((f"{path}/", f"{path}.")) for file in finding.files)
    top = path.split("/")[0]
    return names if written or top in _CODE_FOLDERS or top in {PurePosixPath(file).parts[0] for file in finding.files} else None


def _package(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    package = names["module"].split(".")[0]
    hint = " Bindings of another provider are a package of their own." if package.startswith("cdktf_cdktf_provider_") else ""
    return names | {"package": package, "hint": hint} if exists(package) else None


RULES = (
    Rule(
        id="missing-a-suffix",
        gates=("synth",),
        pattern=r"cannot import name '(?P<name>\w+)' from 'cdktf_cdktf_provider_\w+?\.(?P<module>\w+)'",
        refine=_suffix,
        category=Category.CDKTF_API,
        merge=Merge.PER_RULE,
        symbols=("name",),
        title="Class names that the bindings do not have: {name}",
        root_cause=(
            "The response derives class names from the resource's name. Where another resource already has a nested block of that name, "
            "the CDKTF generator appends an A to the resource's class, and nested classes follow their own path: {pair}."
        ),
        impact=STOPS_SYNTHESIS,
        lesson=("CDKTF class naming: check for the A suffix on resources whose name is also a block of another resource (S3BucketVersioningA)."),
        documentation="https://github.com/hashicorp/terraform-cdk/issues/2017",
        examples=(
            Example(
                "synth",
                "ImportError",
                "cannot import name 'S3BucketVersioning' from 'cdktf_cdktf_provider_aws.s3_bucket_versioning' "
                "(/env/cdktf_cdktf_provider_aws/s3_bucket_versioning/__init__.py)",
                symbols=("S3BucketVersioning", "cdktf_cdktf_provider_aws.s3_bucket_versioning"),
                detail="nearest: S3BucketVersioningA, S3BucketVersioningAConfig, S3BucketVersioningVersioningConfiguration",
            ),
        ),
    ),
    Rule(
        id="class-not-in-bindings",
        gates=("synth",),
        pattern=r"cannot import name '(?P<name>[A-Z]\w*)' from '(?P<module>cdktf(?:_cdktf_provider_\w+(?:\.\w+)?)?)'",
        refine=_suggest,
        category=Category.CDKTF_API,
        symbols=("name", "module"),
        title="{name} does not exist in {module}",
        root_cause=(
            "The response imports a class that the module does not define: a guessed name, a struct that the bindings model as a "
            "plain value, "
            "or a class of another module.{hint}"
        ),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF imports: each resource has one module, and only the classes in it; look a struct's name up before using it.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "synth",
                "ImportError",
                "cannot import name 'Wafv2WebAclRuleStatement' from 'cdktf_cdktf_provider_aws.wafv2_web_acl' "
                "(/env/cdktf_cdktf_provider_aws/wafv2_web_acl/__init__.py)",
                symbols=("Wafv2WebAclRuleStatement", "cdktf_cdktf_provider_aws.wafv2_web_acl"),
                detail="nearest: Wafv2WebAclRule, Wafv2WebAclRuleAction",
            ),
            Example(
                "synth",
                "ImportError",
                "cannot import name 'AwsProvider' from 'cdktf' (/env/cdktf/__init__.py)",
                symbols=("AwsProvider", "cdktf"),
            ),
        ),
    ),
    Rule(
        id="module-not-in-bindings",
        gates=("synth",),
        pattern=(
            r"No module named 'cdktf_cdktf_provider_\w+?\.(?P<name>\w+)"
            r"|cannot import name '(?P<member>[a-z]\w*)' from 'cdktf_cdktf_provider_\w+'"
            r"|module 'cdktf_cdktf_provider_\w+' has no attribute '(?P<attribute>\w+)'"
        ),
        refine=lambda names, diagnostic, finding: _suggest(
            names | {"name": names.get("name") or names.get("member") or names["attribute"]}, diagnostic, finding
        ),
        category=Category.CDKTF_API,
        symbols=("name",),
        title="The bindings have no module {name}",
        root_cause=("The bindings have one module for each Terraform resource, named after it; {name} is no resource of this provider.{hint}"),
        impact=STOPS_SYNTHESIS,
        lesson=("CDKTF modules are named after Terraform's resources (cloudwatch_event_rule), not after AWS services (eventbridge_rule, s3)."),
        documentation=CDKTF_DOCS + "/providers",
        examples=(
            Example("synth", "ModuleNotFoundError", "No module named 'cdktf_cdktf_provider_aws.eventbridge_rule'"),
            Example(
                "synth",
                "ImportError",
                "cannot import name 's3' from 'cdktf_cdktf_provider_aws' (/env/cdktf_cdktf_provider_aws/__init__.py)",
            ),
            Example("synth", "AttributeError", "module 'cdktf_cdktf_provider_aws' has no attribute 'eventbridge_rule'"),
        ),
    ),
    Rule(
        id="imports-not-generated",
        gates=("synth",),
        pattern=r"No module named '(?P<module>imports)(?:\.[\w.]+)?'",
        category=Category.PACKAGING,
        merge=Merge.PER_RULE,
        symbols=("module",),
        title="Bindings imported from {module}, which nobody generated",
        root_cause=("The imports package exists only after `cdktf get` has generated it. The response neither ships it nor uses the prebuilt bindings."),
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: import the prebuilt bindings (cdktf_cdktf_provider_aws); imports.* exists only where `cdktf get` ran.",
        documentation=CDKTF_DOCS + "/providers",
        examples=(Example("synth", "ModuleNotFoundError", "No module named 'imports'", symbols=("imports",)),),
    ),
    Rule(
        id="file-left-out",
        gates=("synth",),
        pattern=r"No module named '(?P<module>[\w.]+)'",
        refine=_left_out,
        category=Category.PACKAGING,
        symbols=("module",),
        title="A file of the project was never written: {module}",
        root_cause="The code imports a module of its own project that the response does not contain.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: write every module that the code imports, or do not import it.",
        documentation="https://docs.python.org/3/tutorial/modules.html",
        examples=(
            Example(
                "synth",
                "ModuleNotFoundError",
                "No module named 'lib.networking'",
                symbols=("lib.networking",),
                files=("lib/networking.py",),
            ),
        ),
    ),
    Rule(
        id="package-not-in-toolchain",
        gates=("synth",),
        pattern=r"No module named '(?P<module>[\w.]+)'",
        refine=_package,
        category=Category.PACKAGING,
        symbols=("package",),
        title="The package {package} is not part of the toolchain",
        root_cause="{package} exists, but the environment that the task's code runs in does not have it, and the response cannot install it.{hint}",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: depend only on what the task's environment has; of the prebuilt providers that is aws alone unless the task says more.",
        documentation="https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError",
        examples=(
            Example("synth", "ModuleNotFoundError", "No module named 'requests'", symbols=("requests",), files=("tap.py",)),
            Example(
                "synth",
                "ModuleNotFoundError",
                "No module named 'cdktf_cdktf_provider_random'",
                symbols=("cdktf_cdktf_provider_random",),
                files=("tap.py",),
            ),
        ),
    ),
    Rule(
        id="module-unknown",
        gates=("synth",),
        pattern=r"No module named '(?P<module>[\w.]+)'",
        category=Category.PACKAGING,
        symbols=("module",),
        title="There is no module {module}",
        root_cause="The response imports {module}, which it did not write and which is no package that we know of: a guess, or a file that was forgotten.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: write every module that the code imports, or do not import it; check that a package exists before using it.",
        documentation="https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError",
        examples=(
            Example("synth", "ModuleNotFoundError", "No module named 'cdktf_aws_helpers'", symbols=("cdktf_aws_helpers",), files=("tap.py",)),
            Example("synth", "ModuleNotFoundError", "No module named 'cdktf_cdktf_provider_zip'", symbols=("cdktf_cdktf_provider_zip",), files=("tap.py",)),
        ),
    ),
    Rule(
        id="own-name-missing",
        gates=("synth",),
        pattern=r"cannot import name '(?P<name>\w+)' from (?P<how>partially initialized module )?'(?P<module>[\w.]+)'",
        category=Category.PYTHON,
        symbols=("name", "module"),
        title="{module} does not define {name}",
        root_cause=("Two modules do not fit each other: one imports a name that the other does not define, or not yet at that moment of a circular import."),
        impact=STOPS_SYNTHESIS,
        lesson="Python: keep the names that modules import from each other in step, and avoid import cycles.",
        documentation="https://docs.python.org/3/reference/simple_stmts.html#import",
        examples=(Example("synth", "ImportError", "cannot import name 'NetworkStack' from 'lib.networking' (/case/lib/networking.py)"),),
    ),
    Rule(
        id="relative-import",
        gates=("synth",),
        pattern=r"attempted relative import",
        category=Category.PYTHON,
        merge=Merge.PER_RULE,
        symbols=(),
        title="Relative import outside of a package",
        root_cause=("The entry program runs as a script, which belongs to no package, so its relative imports have nothing to be relative to."),
        impact=STOPS_SYNTHESIS,
        lesson="Python: in a script that is run directly, import by full module name.",
        documentation="https://docs.python.org/3/reference/import.html#package-relative-imports",
        examples=(Example("synth", "ImportError", "attempted relative import with no known parent package"),),
    ),
)
