"""Rules on files that a stack deploys: terraform reads them from the stack's folder when it applies."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import text
from harness.failures import Category, Severity

_ROOT = "/case"
"""Where the tree lies while it is synthesized; what the code makes of its own place comes out below it."""
_READ_AT_APPLY: Mapping[str, tuple[str, ...]] = {
    "aws_lambda_function": ("filename",),
    "aws_lambda_layer_version": ("filename",),
    "aws_s3_object": ("source",),
    "aws_s3_bucket_object": ("source",),
    "aws_synthetics_canary": ("zip_file",),
    "aws_gamelift_script": ("zip_file",),
}
"""Arguments that hold the path of a file which the provider opens at apply, and at no time before
(https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_function#filename)."""


def deployed_file_is_there(graph: ResourceGraph) -> Iterator[Violation]:
    """The file that a resource uploads has to be there, as seen from the folder that terraform runs in.

    cdktf runs terraform in `cdktf.out/stacks/STACK`, so a relative path starts there and not at the program.
    """
    if graph.files is None:
        return
    for node in graph.of_type(*_READ_AT_APPLY):
        for argument in _READ_AT_APPLY[node.type]:
            written = text(graph, node.arguments.get(argument))
            if written and (message := _missing(graph, node, argument, written)):
                yield Violation(message, (node,), (argument, written, node.address.rpartition(".")[2], node.type), node.address)


def _missing(graph: ResourceGraph, node: Node, argument: str, written: str) -> str:
    """Why the file is not there; empty where it is, and where nobody can know."""
    files = graph.files or frozenset()
    if posixpath.isabs(written):
        if posixpath.commonpath([_ROOT, posixpath.normpath(written)]) != _ROOT:
            return ""  # somewhere on the machine that deploys
        path = posixpath.relpath(written, _ROOT)
        shown = path
    else:
        path = posixpath.normpath(posixpath.join("cdktf.out/stacks", graph.stack, written))
        shown = written
        if path.startswith("../"):
            return ""
    if path in files:
        return ""
    beside = posixpath.normpath(written)
    there = f"; it lies at {beside} of the program, but terraform looks from {posixpath.join('cdktf.out/stacks', graph.stack)}" if beside in files else ""
    return f"{node.address}: {argument} names {shown}, which is not there when terraform runs{there or ', and nothing in the program makes it'}"


def _function(filename: str, *files: str) -> dict[str, Any]:
    return {"resource": {"aws_lambda_function": {"main": {"function_name": "main", "filename": filename}}}, "files": list(files)}


RULES = (
    Rule(
        id="deployed-file-missing",
        title="A file that the stack deploys is not there",
        severity=Severity.HIGH,
        category=Category.PACKAGING,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_function",
        check=deployed_file_is_there,
        bad=(
            _function("lambda.zip", "main.py"),
            _function("lib/lambda/handler.zip", "lib/lambda/handler.zip"),
            _function("/case/lambda.zip", "main.py"),
            {"resource": {"aws_s3_object": {"page": {"bucket": "b", "source": "index.html"}}}, "files": ["main.py"]},
        ),
        good=(
            _function("/case/lambda.zip", "lambda.zip"),
            _function("assets/code/1F/archive.zip", "cdktf.out/stacks/stack/assets/code/1F/archive.zip"),
            _function("../../../lambda.zip", "lambda.zip"),
            _function("${data.archive_file.code.output_path}", "main.py"),
            _function("/opt/build/lambda.zip", "main.py"),
            {"resource": {"aws_lambda_function": {"main": {"s3_bucket": "code", "s3_key": "a.zip"}}}, "files": []},
            {"resource": {"aws_lambda_function": {"main": {"filename": "lambda.zip"}}}},
        ),
    ),
)
