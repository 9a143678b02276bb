"""What report jobs need to find the database."""

import json

from cdktf import Fn
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from cdktf_cdktf_provider_aws.secretsmanager_secret_version import SecretsmanagerSecretVersion
from constructs import Construct


class ReportSettings(Construct):
    """Connection settings as a secret, and the role that may read them."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        key_arn: str,
        cluster: RdsCluster,
    ):
        super().__init__(scope, id)

        self.secret = SecretsmanagerSecret(
            self,
            "secret",
            name=f"reporting/{environment_suffix}/connection",
            description="Where report jobs find the database; no password",
            kms_key_id=key_arn,
            recovery_window_in_days=7,
        )

        SecretsmanagerSecretVersion(
            self,
            "secret_version",
            secret_id=self.secret.id,
            secret_string=Fn.jsonencode(
                {
                    "host": cluster.reader_endpoint,
                    "port": cluster.port,
                    "database": cluster.database_name,
                }
            ),
        )

        self.role = IamRole(
            self,
            "job_role",
            name=f"reporting-jobs-{environment_suffix}",
            description="Role for report jobs",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "reporting"}},
                        }
                    ],
                }
            ),
        )

        IamRolePolicy(
            self,
            "job_policy",
            name="read-connection",
            role=self.role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                            "Resource": self.secret.arn,
                        },
                        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn},
                    ],
                }
            ),
        )
