"""Rules on what a bucket serves to browsers: websites and CORS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_dynamic, text
from harness.failures import Category, Severity

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")


def _cors(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """S3 answers preflight requests itself; rules name the methods that follow them, in capitals."""
    for rule in blocks(node.arguments, "cors_rule"):
        for method in (text(graph, value) for value in listed(rule.get("allowed_methods"))):
            if method is not None and method not in _CORS_METHODS:
                yield Complaint(f"a CORS rule allows the method {method}; S3 takes {', '.join(_CORS_METHODS)}", (method, "allowed_methods"))


def _website(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A website has an index document, which is a name without a slash, or sends all requests elsewhere."""
    if is_dynamic(node.arguments, "index_document") or is_dynamic(node.arguments, "redirect_all_requests_to"):
        return
    index, redirect = blocks(node.arguments, "index_document"), blocks(node.arguments, "redirect_all_requests_to")
    if not index and not redirect:
        yield Complaint("it has neither index_document nor redirect_all_requests_to", ("index_document",))
    for block in index:
        suffix = text(graph, block.get("suffix"))
        if suffix and "/" in suffix:
            yield Complaint(f"the suffix of its index_document is {suffix!r}, and there can be no slash in it", (suffix, "index_document"))


def _cross(**arguments: Any) -> dict[str, Any]:
    return {"resource": {"aws_s3_bucket_cors_configuration": {"main": {"bucket": "files", **arguments}}}}


def _site(**arguments: Any) -> dict[str, Any]:
    return {"resource": {"aws_s3_bucket_website_configuration": {"main": {"bucket": "files", **arguments}}}}


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any) -> Rule:
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, _GUIDE + page, check, bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "s3-cors-method",
        "CORS rule for a method that S3 does not take",
        "ManageCorsUsing.html",
        partial(judged, ("aws_s3_bucket_cors_configuration",), _cors),
        bad=(
            _cross(cors_rule={"allowed_methods": ["GET", "OPTIONS"]}),
            _cross(cors_rule=[{"allowed_methods": ["get"]}]),
        ),
        good=(_cross(cors_rule=[{"allowed_methods": ["GET", "HEAD", "${var.method}"]}]),),
    ),
    _rule(
        "s3-website-index",
        "Bucket website without an index document that S3 takes",
        "IndexDocumentSupport.html",
        partial(judged, ("aws_s3_bucket_website_configuration",), _website),
        bad=(_site(), _site(index_document={"suffix": "site/index.html"})),
        good=(
            _site(index_document=[{"suffix": "index.html"}]),
            _site(redirect_all_requests_to={"host_name": "shop.example"}),
        ),
    ),
)
