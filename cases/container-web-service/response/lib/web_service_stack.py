"""The stack of the web service."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.config import ServiceConfig
from lib.load_balancer import LoadBalancer
from lib.network import Network
from lib.registry import Registry
from lib.service import WebService

__all__ = ["ServiceConfig", "WebServiceStack"]


class WebServiceStack(TerraformStack):
    """Network, registry, load balancer and service."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, config: ServiceConfig):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region="us-east-1",
            default_tags={
                "tags": {
                    "Application": "web",
                    "Environment": environment_suffix,
                    "ManagedBy": "cdktf",
                }
            },
        )

        network = Network(self, "network", environment_suffix=environment_suffix)
        registry = Registry(self, "registry", environment_suffix=environment_suffix)
        balancer = LoadBalancer(
            self,
            "balancer",
            environment_suffix=environment_suffix,
            vpc_id=network.vpc.id,
            subnet_ids=[subnet.id for subnet in network.public_subnets],
        )
        WebService(
            self,
            "service",
            environment_suffix=environment_suffix,
            config=config,
            vpc_id=network.vpc.id,
            subnet_ids=[subnet.id for subnet in network.private_subnets],
            repository=registry.repository,
            balancer=balancer,
        )

        TerraformOutput(self, "load_balancer_address", value=balancer.load_balancer.dns_name)
        TerraformOutput(self, "repository_url", value=registry.repository.repository_url)
