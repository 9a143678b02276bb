"""The cluster and its nodes."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.eks_cluster import (
    EksCluster,
    EksClusterEncryptionConfig,
    EksClusterEncryptionConfigProvider,
    EksClusterVpcConfig,
)
from cdktf_cdktf_provider_aws.eks_node_group import (
    EksNodeGroup,
    EksNodeGroupScalingConfig,
    EksNodeGroupTaint,
    EksNodeGroupUpdateConfig,
)
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lib.roles import service_role

VERSION = "1.31"
LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


class Cluster(Construct):
    """A private EKS cluster with one managed node group for the system's own workloads."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        account_id: str,
        subnet_ids: list[str],
    ):
        super().__init__(scope, id)
        name = f"platform-{environment_suffix}"

        secrets_key = KmsKey(
            self,
            "secrets_key",
            description=f"Kubernetes secrets of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=14,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Administration",
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                }
            ),
        )

        # EKS would create the group itself, and keep its logs for ever
        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            name=f"/aws/eks/{name}/cluster",
            retention_in_days=30,
        )

        cluster_role = service_role(self, "cluster_role", f"{name}-cluster", "eks", ("AmazonEKSClusterPolicy",))

        self.cluster = EksCluster(
            self,
            "cluster",
            name=name,
            version=VERSION,
            role_arn=cluster_role.arn,
            enabled_cluster_log_types=LOG_TYPES,
            vpc_config=EksClusterVpcConfig(
                subnet_ids=subnet_ids,
                endpoint_private_access=True,
                endpoint_public_access=False,
            ),
            encryption_config=EksClusterEncryptionConfig(
                provider=EksClusterEncryptionConfigProvider(key_arn=secrets_key.arn),
                resources=["secrets"],
            ),
            depends_on=[log_group],
        )

        node_role = service_role(
            self,
            "node_role",
            f"{name}-node",
            "ec2",
            ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"),
        )

        self.node_group = EksNodeGroup(
            self,
            "system_nodes",
            cluster_name=self.cluster.name,
            node_group_name=f"{name}-system",
            node_role_arn=node_role.arn,
            subnet_ids=subnet_ids,
            ami_type="AL2023_x86_64_STANDARD",
            capacity_type="ON_DEMAND",
            instance_types=["m6i.large"],
            scaling_config=EksNodeGroupScalingConfig(desired_size=2, min_size=2, max_size=6),
            update_config=EksNodeGroupUpdateConfig(max_unavailable=1),
            taint=[EksNodeGroupTaint(key="dedicated", value="system", effect="NO_SCHEDULE")],
        )
