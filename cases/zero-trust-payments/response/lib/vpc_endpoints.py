"""Private ways to AWS services; the only ways out of the VPC."""

from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

INTERFACE_SERVICES = ['kms', 'logs', "secretsmanager", 'ssm', "sts"]
GATEWAY_SERVICES = ['dynamodb', 's3']
class VpcEndpointsStack(Construct):
    """Interface endpoints in the private subnets, gateway endpoints in their route table."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        aws_region: str,
        vpc_id: str,
        subnet_ids: list,
        route_table_ids: list,
        security_group_ids: list,
    ):
        super().__init__(scope, id)

        for service in INTERFACE_SERVICES:
            VpcEndpoint(
                self,
                f"{service}_endpoint",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{aws_region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=subnet_ids,
                security_group_ids=security_group_ids,
                tags={"Name": f"payment-{service}-{environment_suffix}"},
            )

        for service in GATEWAY_SERVICES:
            VpcEndpoint(
                self,
                f"{service}_endpoint",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{aws_region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=route_table_ids,
                tags={"Name": f"payment-{service}-{environment_suffix}"},
            )
