"""AWS Config: what changes in the account is written down and judged."""

import json

from cdktf_cdktf_provider_aws.config_config_rule import ConfigConfigRule, ConfigConfigRuleSource
from cdktf_cdktf_provider_aws.config_configuration_recorder import (
    ConfigConfigurationRecorder,
    ConfigConfigurationRecorderRecordingGroup,
)
from cdktf_cdktf_provider_aws.config_configuration_recorder_status import ConfigConfigurationRecorderStatus
from cdktf_cdktf_provider_aws.config_delivery_channel import ConfigDeliveryChannel
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

RULES = {"password-policy": "IAM_PASSWORD_POLICY", "mfa-of-users": "IAM_USER_MFA_ENABLED"}


class Recorder(Construct):
    """The recorder with its delivery and its rules."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str, bucket_name: str):
        super().__init__(scope, id_)

        role = IamRole(
            self,
            "role",
            name=f"config-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "config.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                        }
                    ],
                }
            ),
        )
        IamRolePolicyAttachment(
            self,
            "role_policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWS_ConfigRole",
        )

        self.recorder = ConfigConfigurationRecorder(
            self,
            "recorder",
            name=f"account-{environment_suffix}",
            role_arn=role.arn,
            recording_group=ConfigConfigurationRecorderRecordingGroup(
                all_supported=True,
                include_global_resource_types=True,
            ),
        )
        channel = ConfigDeliveryChannel(
            self,
            "channel",
            name=f"account-{environment_suffix}",
            s3_bucket_name=bucket_name,
            depends_on=[self.recorder],
        )
        status = ConfigConfigurationRecorderStatus(
            self,
            "status",
            name=self.recorder.name,
            is_enabled=True,
            depends_on=[channel],
        )

        for name, identifier in RULES.items():
            ConfigConfigRule(
                self,
                name,
                name=f"{name}-{environment_suffix}",
                source=ConfigConfigRuleSource(owner="AWS", source_identifier=identifier),
                depends_on=[status],
            )
