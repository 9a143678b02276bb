"""Passwords, groups and roles."""

import json

from cdktf import Fn, Token
from cdktf_cdktf_provider_aws.data_aws_iam_users import DataAwsIamUsers
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.iam_group import IamGroup
from cdktf_cdktf_provider_aws.iam_group_membership import IamGroupMembership
from cdktf_cdktf_provider_aws.iam_group_policy_attachment import IamGroupPolicyAttachment
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.iam_user import IamUser
from constructs import Construct

SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"


class People(Construct):
    """Who may do what, and only with MFA."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        IamAccountPasswordPolicy(
            self,
            "passwords",
            minimum_password_length=16,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            max_password_age=90,
            password_reuse_prevention=24,
            allow_users_to_change_password=True,
        )

        self.require_mfa = self._create_mfa_policy()
        self.auditors = self._create_group("auditors", SECURITY_AUDIT)
        self.operators = self._create_group("operators", POWER_USER)
        self._fill_operators()
        self._create_auditor_role(account_id)

    def _create_mfa_policy(self):
        set_up = [
            "iam:CreateVirtualMFADevice",
            "iam:EnableMFADevice",
            "iam:ListMFADevices",
            "iam:ListVirtualMFADevices",
            "iam:ChangePassword",
            "sts:GetSessionToken",
        ]
        return IamPolicy(
            self,
            "require_mfa",
            name=f"require-mfa-{self.environment_suffix}",
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "NothingWithoutMfa",
                            "Effect": "Deny",
                            "NotAction": set_up,
                            "Resource": "*",
                            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
                        }
                    ],
                }
            ),
        )

    def _create_group(self, name: str, policy_arn: str):
        group = IamGroup(self, name, name=f"{name}-{self.environment_suffix}", path="/staff/")
        IamGroupPolicyAttachment(self, f"{name}_policy", group=group.name, policy_arn=policy_arn)
        IamGroupPolicyAttachment(self, f"{name}_mfa", group=group.name, policy_arn=self.require_mfa.arn)
        return group

    def _fill_operators(self):
        staff = DataAwsIamUsers(self, "staff", path_prefix="/staff/")
        break_glass = IamUser(self, "break_glass", name=f"break-glass-{self.environment_suffix}", path="/emergency/")
        IamGroupMembership(
            self,
            "operators_members",
            name=f"operators-{self.environment_suffix}",
            group=self.operators.name,
            users=Token.as_list(Fn.concat([staff.names, [break_glass.name]])),
        )

    def _create_auditor_role(self, account_id: str):
        self.auditor_role = IamRole(
            self,
            "auditor_role",
            name=f"auditor-{self.environment_suffix}",
            max_session_duration=4 * 60 * 60,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                        }
                    ],
                }
            ),
        )
        IamRolePolicyAttachment(
            self,
            "auditor_role_policy",
            role=self.auditor_role.name,
            policy_arn=SECURITY_AUDIT,
        )
