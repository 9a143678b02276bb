"""Rules on VPC endpoints and flow logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.constraints.addresses import vpc
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import ResourceGraph
from harness.constraints.values import text, truth
from harness.failures import Category, Severity

_SERVICE = re.compile(r"com\.amazonaws\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.(?P<service>[\w.-]+)")
_GATEWAY_SERVICES = ("s3", "dynamodb", "s3express")
_FOR_INTERFACES = ("subnet_ids", "security_group_ids", "subnet_configuration")


def gateway_services(graph: ResourceGraph) -> Iterator[Violation]:
    """Gateway endpoints (the provider's default type) exist for S3 and DynamoDB only."""
    for endpoint in graph.of_type("aws_vpc_endpoint"):
        name = endpoint.arguments.get("service_name")
        # The region may be a reference; the service stands at the end.
        match = re.fullmatch(r"com\.amazonaws\.(?:\$\{[^{}]+\}|[a-z0-9-]+)\.(?P<service>[a-z][\w.-]*)", name) if isinstance(name, str) else None
        kind = text(graph, endpoint.arguments.get("vpc_endpoint_type") or "Gateway")
        if match and kind == "Gateway" and match["service"] not in _GATEWAY_SERVICES:
            written = "it has no vpc_endpoint_type and so" if endpoint.arguments.get("vpc_endpoint_type") is None else "it"
            message = f"{endpoint.address}: {written} is a Gateway endpoint, which {match['service']} does not have (only S3 and DynamoDB do)"
            yield Violation(message, (endpoint,), ("vpc_endpoint_type", "service_name", match["service"], endpoint.type), endpoint.address)


def arguments_of_the_type(graph: ResourceGraph) -> Iterator[Violation]:
    """Gateway endpoints take route tables; subnets, security groups and private DNS are for interface endpoints."""
    for endpoint in graph.of_type("aws_vpc_endpoint"):
        kind = text(graph, endpoint.arguments.get("vpc_endpoint_type") or "Gateway")
        wrong: list[str] = []
        if kind == "Gateway":
            wrong = [name for name in _FOR_INTERFACES if endpoint.arguments.get(name)]
            wrong += ["private_dns_enabled"] if truth(graph, endpoint.arguments.get("private_dns_enabled")) else []
        elif kind == "Interface":
            wrong = ["route_table_ids"] if endpoint.arguments.get("route_table_ids") else []
        if wrong:
            message = f"{endpoint.address}: {' and '.join(wrong)} cannot be given to an endpoint of type {kind}"
            yield Violation(message, (endpoint,), (*wrong, "vpc_endpoint_type", endpoint.type), endpoint.address)


def private_dns_has_its_vpc(graph: ResourceGraph) -> Iterator[Violation]:
    """Private DNS at an endpoint needs both DNS attributes of the VPC, of which `enable_dns_hostnames` is off by default."""
    for endpoint in graph.of_type("aws_vpc_endpoint"):
        network = vpc(graph, endpoint)
        if (
            network is None
            or not truth(graph, endpoint.arguments.get("private_dns_enabled"))
            or text(graph, endpoint.arguments.get("vpc_endpoint_type")) != "Interface"
        ):
            continue
        given = network.arguments.get("enable_dns_hostnames")
        off = ["enable_dns_hostnames"] if given is None or truth(graph, given) is False else []
        off += ["enable_dns_support"] if truth(graph, network.arguments.get("enable_dns_support")) is False else []
        if off:
            verb = "is" if len(off) == 1 else "are"
            needed = "private_dns_enabled needs both DNS attributes of the VPC"
            message = f"{endpoint.address}: {needed}, but {' and '.join(off)} of {network.address} {verb} off"
            yield Violation(message, (endpoint, network), (*off, "private_dns_enabled", network.type), endpoint.address)


def service_of_the_region(graph: ResourceGraph) -> Iterator[Violation]:
    """An endpoint's service name carries the endpoint's own region, unless `service_region` says otherwise."""
    for endpoint in graph.of_type("aws_vpc_endpoint"):
        match, region = _SERVICE.fullmatch(text(graph, endpoint.arguments.get("service_name")) or ""), graph.region(endpoint)
        if match and region and match["region"] != region and endpoint.arguments.get("service_region") is None:
            message = f"{endpoint.address}: its service {match[0]} is one of {match['region']}, and its provider is in {region}"
            yield Violation(message, (endpoint,), ("service_name", match[0], region, endpoint.type), endpoint.address)


def flow_logs_are_complete(graph: ResourceGraph) -> Iterator[Violation]:
    """A flow log has a destination of its type, a role exactly where it writes to CloudWatch Logs, and a kind of traffic."""
    for log in graph.of_type("aws_flow_log"):
        given = log.arguments
        kind = text(graph, given.get("log_destination_type") or "cloud-watch-logs")
        destination = str(given.get("log_destination") or "")
        match = re.match(r"\$\{aws_(s3_bucket|cloudwatch_log_group)\.[\w-]+\.arn\}|arn:[\w-]+:(s3|logs):", destination)
        at = {"s3_bucket": "s3", "s3": "s3", "cloudwatch_log_group": "cloud-watch-logs", "logs": "cloud-watch-logs"}.get(
            (match[1] or match[2]) if match else ""
        )
        transit = any(given.get(name) for name in ("transit_gateway_id", "transit_gateway_attachment_id"))
        names: tuple[str, ...]
        if not destination and not given.get("log_group_name") and kind is not None:
            wrong, names = "it has no log_destination", ("log_destination",)
        elif at and kind and at != kind:
            wrong, names = f"log_destination_type is {kind}, and its log_destination is one of {at}", ("log_destination_type", "log_destination")
        elif kind == "cloud-watch-logs" and given.get("iam_role_arn") is None:
            wrong, names = "it writes to CloudWatch Logs and has no iam_role_arn", ("iam_role_arn",)
        elif kind == "s3" and given.get("iam_role_arn") is not None:
            wrong, names = "it writes to S3, which takes no iam_role_arn", ("iam_role_arn",)
        elif given.get("traffic_type") is None and not transit:
            wrong, names = "it has no traffic_type (ACCEPT, REJECT or ALL)", ("traffic_type",)
        else:
            continue
        yield Violation(f"{log.address}: {wrong}", (log,), (*names, log.type), log.address)


def _endpoint(service: str = "com.amazonaws.eu-west-1.s3", *, network: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    endpoint = {"vpc_id": "${aws_vpc.main.id}", "service_name": service, **arguments}
    return {"provider": {"aws": [{"region": "eu-west-1"}]}, "resource": {"aws_vpc": {"main": network or {}}, "aws_vpc_endpoint": {"main": endpoint}}}


def _interface(network: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return _endpoint("com.amazonaws.eu-west-1.ssm", network=network, vpc_endpoint_type="Interface", **arguments)


def _log(**arguments: Any) -> dict[str, Any]:
    return {"resource": {"aws_flow_log": {"main": {"vpc_id": "${aws_vpc.main.id}", **arguments}}}}


_GROUP, _BUCKET, _ROLE = "${aws_cloudwatch_log_group.flow.arn}", "${aws_s3_bucket.flow.arn}", "${aws_iam_role.flow.arn}"

RULES = (
    Rule(
        id="vpc-endpoint-gateway-service",
        title="Gateway endpoint for a service that has interface endpoints only",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html",
        check=gateway_services,
        bad=(
            _endpoint("com.amazonaws.eu-west-1.sqs"),
            _endpoint("com.amazonaws.${data.aws_region.here.name}.secretsmanager", vpc_endpoint_type="Gateway"),
            _endpoint("com.amazonaws.eu-west-1.ecr.api"),
        ),
        good=(
            _endpoint(),
            _endpoint("com.amazonaws.${var.region}.dynamodb"),
            _endpoint("com.amazonaws.eu-west-1.s3express"),
            _endpoint("com.amazonaws.eu-west-1.sqs", vpc_endpoint_type="Interface"),
            _endpoint("com.amazonaws.eu-west-1.${var.service}"),
            _endpoint("com.amazonaws.vpce.eu-west-1.vpce-svc-1", vpc_endpoint_type="GatewayLoadBalancer"),
        ),
    ),
    Rule(
        id="vpc-endpoint-arguments",
        title="VPC endpoint with arguments of another type",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html",
        check=arguments_of_the_type,
        bad=(_endpoint(subnet_ids=["${var.subnet}"]), _endpoint(private_dns_enabled=True), _interface(route_table_ids=["${aws_route_table.main.id}"])),
        good=(_endpoint(route_table_ids=["${aws_route_table.main.id}"]), _endpoint(private_dns_enabled=False), _interface(subnet_ids=["${var.subnet}"])),
    ),
    Rule(
        id="vpc-endpoint-private-dns",
        title="Private DNS of an endpoint in a VPC without DNS host names",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
        check=private_dns_has_its_vpc,
        bad=(_interface(private_dns_enabled=True), _interface({"enable_dns_hostnames": True, "enable_dns_support": "false"}, private_dns_enabled="true")),
        good=(
            _interface({"enable_dns_hostnames": True}, private_dns_enabled=True),
            _interface({"enable_dns_hostnames": "${var.names}"}, private_dns_enabled=True),
            _interface(),
        ),
    ),
    Rule(
        id="vpc-endpoint-other-region",
        title="VPC endpoint for a service of another region",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/vpc_endpoint",
        check=service_of_the_region,
        bad=(_endpoint("com.amazonaws.us-east-1.s3"),),
        good=(_endpoint(), _endpoint("com.amazonaws.us-east-1.s3", service_region="us-east-1"), _endpoint("com.amazonaws.${var.region}.s3")),
    ),
    Rule(
        id="flow-log-destination",
        title="Flow log without what its destination needs",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html",
        check=flow_logs_are_complete,
        bad=(
            _log(traffic_type="ALL", iam_role_arn=_ROLE),
            _log(traffic_type="ALL", log_destination=_GROUP),
            _log(traffic_type="ALL", log_destination=_BUCKET),
            _log(traffic_type="ALL", log_destination=_BUCKET, log_destination_type="s3", iam_role_arn=_ROLE),
            _log(log_destination=_GROUP, iam_role_arn=_ROLE),
        ),
        good=(
            _log(traffic_type="ALL", log_destination=_GROUP, iam_role_arn=_ROLE),
            _log(traffic_type="ALL", log_destination=_BUCKET, log_destination_type="s3"),
            _log(traffic_type="ALL", log_destination="${var.destination}", log_destination_type="${var.kind}"),
            _log(transit_gateway_id="tgw-1", log_destination=_GROUP, iam_role_arn=_ROLE),
        ),
    ),
)
