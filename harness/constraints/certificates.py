"""Rules on ACM: certificates that are never issued, or used before they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.expressions import references
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.ordering import comes_after
from harness.constraints.values import nested, text
from harness.failures import Category, Severity

CERTIFICATE, VALIDATION, RECORD = "aws_acm_certificate", "aws_acm_certificate_validation", "aws_route53_record"
_ACM = "https://docs.aws.amazon.com/acm/latest/userguide/"
_LONGEST_DOMAIN = 64


def _domain(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The first name of a certificate goes into its common name, which has 64 characters."""
    name = text(graph, node.arguments.get("domain_name")) or ""
    if len(name) > _LONGEST_DOMAIN and not _is_imported(node):
        yield Complaint(f"its domain_name has {len(name)} characters, and the first name of a certificate has {_LONGEST_DOMAIN} at most", (name, "domain_name"))


def _is_imported(certificate: Node) -> bool:
    """Whether nobody has to prove that the domain is theirs: imported certificates, and those of an authority of one's own."""
    return any(not is_unset(certificate.arguments, name) for name in ("private_key", "certificate_body", "certificate_authority_arn"))


def _is_read(graph: ResourceGraph, certificate: Node) -> bool:
    """Whether something makes records of what the certificate wants to see in DNS, or may do so."""
    return any(
        reference.address == certificate.address and reference.attribute in ("domain_validation_options", "")
        for other in graph.nodes
        for reference in references(other.arguments)
    ) or any(certificate.address in str(value) for value in graph.locals.values())


def _waiting(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Who waits for a certificate to be validated by DNS needs the records that validate it."""
    certificate = graph.target(node.arguments.get("certificate_arn"), CERTIFICATE)
    if certificate is None or text(graph, certificate.arguments.get("validation_method")) != "DNS" or not is_unset(node.arguments, "validation_record_fqdns"):
        return
    if not _is_read(graph, certificate):
        yield Complaint(
            f"it waits for {certificate.address}, and nothing makes the DNS records that validate it", ("domain_validation_options", RECORD), (certificate,)
        )


def certificates_are_issued(graph: ResourceGraph) -> Iterator[Violation]:
    """A listener and a distribution take a certificate once it is issued: after its validation, which aws_acm_certificate_validation waits for.

    Whoever validates it takes minutes at least, so one that nothing of the stack waits for is pending when it is used.
    """
    for node in graph.of_type("aws_lb_listener", "aws_lb_listener_certificate", "aws_cloudfront_distribution", "aws_apigatewayv2_domain_name"):
        values = [node.arguments.get("certificate_arn")]
        values += [block.get("acm_certificate_arn") for block in nested(node.arguments, "viewer_certificate")]
        values += [block.get("certificate_arn") for block in nested(node.arguments, "domain_name_configuration")]
        for value in values:
            certificate = graph.target(value, CERTIFICATE)
            if certificate is None or certificate.is_data or _is_imported(certificate):
                continue
            validations = [
                other for other in graph.of_type(VALIDATION) if graph.target(other.arguments.get("certificate_arn"), CERTIFICATE) in (certificate, None)
            ]
            if validations and comes_after(graph, node, validations):
                continue
            message = f"{node.address}: it uses {certificate.address} as soon as it is requested, and does not wait until it is validated ({VALIDATION})"
            yield Violation(message, (node, certificate, *validations), (VALIDATION, "certificate_arn", certificate.address.rpartition(".")[2]), node.address)


def _certified(listener: dict[str, Any] | None = None, validation: dict[str, Any] | None = None, records: bool = False, **certificate: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {CERTIFICATE: {"main": {"domain_name": "shop.example", "validation_method": "DNS", **certificate}}}
    if listener is not None:
        resources["aws_lb_listener"] = {"main": {"protocol": "HTTPS", **listener}}
    if validation is not None:
        resources[VALIDATION] = {"main": {"certificate_arn": "${aws_acm_certificate.main.arn}", **validation}}
    if records:
        resources[RECORD] = {"main": {"for_each": "${aws_acm_certificate.main.domain_validation_options}", "records": ["${each.value.resource_record_value}"]}}
        resources[RECORD]["proof"] = {"name": "${tolist(aws_acm_certificate.main.domain_validation_options)[0].resource_record_name}"}
    return {"resource": resources}


_PENDING, _ISSUED = "${aws_acm_certificate.main.arn}", "${aws_acm_certificate_validation.main.certificate_arn}"


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any) -> Rule:
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, page, check, bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "acm-domain-length",
        "Certificate for a name that is too long",
        "https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html",
        partial(judged, (CERTIFICATE,), _domain),
        bad=(_certified(domain_name="a" * 60 + ".shop.example"),),
        good=(_certified(domain_name="a" * 51 + ".shop.example"), _certified(domain_name="${var.domain}")),
    ),
    _rule(
        "acm-validation-records",
        "Certificate that is waited for without the records that validate it",
        _ACM + "dns-validation.html",
        partial(judged, (VALIDATION,), _waiting),
        bad=(_certified(validation={}),),
        good=(
            _certified(validation={}, records=True),
            _certified(validation={"validation_record_fqdns": ["${var.record}"]}),
            _certified(validation={}, validation_method="EMAIL"),
            _certified(validation={"certificate_arn": "${var.certificate}"}),
        ),
    ),
    _rule(
        "acm-certificate-pending",
        "Certificate in use before it is validated",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html",
        certificates_are_issued,
        bad=(
            _certified({"certificate_arn": _PENDING}),
            _certified({"certificate_arn": _PENDING}, records=True),
            _certified({"certificate_arn": _PENDING}, {}, records=True),
        ),
        good=(
            _certified({"certificate_arn": _ISSUED}, {}),
            _certified({"certificate_arn": _PENDING, "depends_on": [f"{VALIDATION}.main"]}, {}),
            _certified({"certificate_arn": _PENDING}, certificate_authority_arn="${var.authority}"),
            _certified({"certificate_arn": "${var.certificate}"}),
        ),
    ),
)
