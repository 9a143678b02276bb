"""The stack with the cluster."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws import AwsProvider
from constructs import Construct

from lib.addons import Addons
from lib.cluster import Cluster
from lib.network import Network

REGION = "eu-west-1"


class PlatformStack(TerraformStack):
    """Network, cluster, and the addons that every workload relies on."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region=REGION,
            default_tags=[{"tags": {"Platform": "kubernetes", "Environment": environment_suffix}}],
        )

        network = Network(self, "network", environment_suffix=environment_suffix, region=REGION)
        cluster = Cluster(
            self,
            "cluster",
            environment_suffix=environment_suffix,
            subnet_ids=[subnet.id for subnet in network.subnets],
        )
        addons = Addons(
            self,
            "addons",
            environment_suffix=environment_suffix,
            cluster=cluster.cluster,
            node_group=cluster.node_group,
        )

        TerraformOutput(self, "cluster_name", value=cluster.cluster.name)
        TerraformOutput(self, "cluster_endpoint", value=cluster.cluster.endpoint)
        TerraformOutput(self, "cluster_ca", value=cluster.cluster.certificate_authority_data)
        TerraformOutput(self, "oidc_provider_arn", value=addons.oidc_provider.arn)
