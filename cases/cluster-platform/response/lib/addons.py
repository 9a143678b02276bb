"""Addons, and the identity that the storage driver works under."""

import json

from cdktf import Fn
from cdktf_cdktf_provider_aws.eks_addon import EksAddon
from cdktf_cdktf_provider_aws.eks_cluster import EksCluster
from cdktf_cdktf_provider_aws.eks_node_group import EksNodeGroup
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

PLAIN_ADDONS = ("vpc-cni", "coredns", "kube-proxy")
DRIVER = "aws-ebs-csi-driver"
DRIVER_ACCOUNT = "system:serviceaccount:kube-system:ebs-csi-controller-sa"


class Addons(Construct):
    """The OIDC provider, the driver's role, and four addons."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        cluster: EksCluster,
        node_group: EksNodeGroup,
    ):
        super().__init__(scope, id)

        issuer = cluster.identity[0].oidc[0].issuer

        self.oidc_provider = IamOpenidConnectProvider(
            self,
            "oidc_provider",
            url=issuer,
            client_id_list=["sts.amazonaws.com"],
        )

        issuer_host = Fn.replace(issuer, "https://", "")

        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{issuer_host}"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            f"{issuer_host}:sub": DRIVER_ACCOUNT,
                            f"{issuer_host}:aud": "sts.amazonaws.com",
                        }
                    },
                }
            ],
        }

        driver_role = IamRole(
            self,
            "driver_role",
            name=f"platform-{environment_suffix}-ebs-csi",
            description="IRSA role of the EBS CSI driver",
            assume_role_policy=json.dumps(trust),
        )
        IamRolePolicyAttachment(
            self,
            "driver_permissions",
            role=driver_role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
        )

        for name in PLAIN_ADDONS:
            EksAddon(
                self,
                name.replace("-", "_"),
                cluster_name=cluster.name,
                addon_name=name,
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="overwrite",
                depends_on=[node_group],
            )

        EksAddon(
            self,
            "ebs_csi_driver",
            cluster_name=cluster.name,
            addon_name=DRIVER,
            service_account_role_arn=driver_role.arn,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="overwrite",
            depends_on=[node_group],
        )
