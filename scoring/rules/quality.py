"""What static checks say: types, lint, format."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, Example, Merge, Rule

RULES = (
    Rule(
        id="static-bindings-misuse",
        gates=("types",),
        pattern=r"cdktf|(?P<owner>[A-Z]\w*)\.__init__",
        category=Category.CDKTF_API,
        title="Code that never ran uses the bindings wrongly: {summary}",
        root_cause="A type checker finds a name or argument that the bindings do not have, in code that synthesis does not reach.",
        impact="The stack deploys; the code breaks as soon as something uses it.",
        lesson="Type checking: run a type checker, which sees code that synthesis does not reach.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "types",
                "missing-module-member",
                "Module `cdktf_cdktf_provider_aws.s3_bucket_versioning` has no member `S3BucketVersioning`",
            ),
            Example("types", "unknown-argument", "Argument `bucket_name` does not match any known parameter of `S3Bucket.__init__`"),
        ),
    ),
    Rule(
        id="static-error",
        gates=("types",),
        category=Category.PYTHON,
        title="A type checker refuses the code: {summary}",
        root_cause="Names or calls that cannot work, in code that synthesis does not reach.",
        impact="The stack deploys; the code breaks as soon as something uses it.",
        lesson="Type checking: run a type checker, which sees code that synthesis does not reach.",
        documentation="https://docs.astral.sh/ty/reference/rules/",
        examples=(Example("types", "unresolved-reference", "Name `environment_suffix` used when not defined"),),
    ),
    Rule(
        id="code-quality",
        gates=("lint", "format"),
        category=Category.CODE_QUALITY,
        merge=Merge.PER_RULE,
        symbols=(),
        title="The code does not pass the formatter and the linter",
        root_cause="The response was not run through the project's formatter and linter: layout, unused imports and the like.",
        impact="None on the deployment; the quality gate of CI fails.",
        lesson="Code quality: run the formatter and the linter (ruff format, ruff check --fix) before handing over.",
        documentation="https://docs.astral.sh/ruff/rules/",
        examples=(
            Example("lint", "F401", "`os` imported but unused", symbols=("os",)),
            Example("format", "unformatted", "File would be reformatted"),
        ),
    ),
)
