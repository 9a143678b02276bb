"""Keys, security groups and the network firewall."""

import json

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.networkfirewall_firewall import (
    NetworkfirewallFirewall,
    NetworkfirewallFirewallSubnetMapping,
)
from cdktf_cdktf_provider_aws.networkfirewall_firewall_policy import (
    NetworkfirewallFirewallPolicy,
    NetworkfirewallFirewallPolicyFirewallPolicy,
    NetworkfirewallFirewallPolicyFirewallPolicyStatefulRuleGroupReference,
)
from cdktf_cdktf_provider_aws.networkfirewall_rule_group import (
    NetworkfirewallRuleGroup,
    NetworkfirewallRuleGroupRuleGroup,
    NetworkfirewallRuleGroupRuleGroupRulesSource,
    NetworkfirewallRuleGroupRuleGroupRulesSourceRulesSourceListStruct,
)
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct


class SecurityStack(Construct):
    """Customer-managed keys with their policies, the security groups, and the firewall in front of the subnets."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        aws_region: str,
        vpc_id: str,
        vpc_cidr: str,
        subnet_ids: list,
        account_id: str,
    ):
        super().__init__(scope, id)
        self.environment_suffix = environment_suffix
        self.aws_region = aws_region
        self.account_id = account_id

        self._create_keys()
        self._create_security_groups(vpc_id, vpc_cidr)
        self._create_firewall(vpc_id, subnet_ids)

    def _create_keys(self):
        storage_policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }

        self.storage_kms_key = KmsKey(
            self,
            "storage_kms_key",
            description=f"KMS key for audit storage - {self.environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=json.dumps(storage_policy),
        )

        KmsAlias(
            self,
            "storage_kms_alias",
            name=f"alias/payment-storage-{self.environment_suffix}",
            target_key_id=self.storage_kms_key.key_id,
        )

        ssm_policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }

        self.ssm_kms_key = KmsKey(
            self,
            "ssm_kms_key",
            description=f"KMS key for SSM parameters - {self.environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=json.dumps(ssm_policy),
        )

        KmsAlias(
            self,
            "ssm_kms_alias",
            name=f"alias/payment-ssm-{self.environment_suffix}",
            target_key_id=self.ssm_kms_key.key_id,
        )

        alerts_policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "Allow CloudWatch alarms to publish",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                },
            ],
        }

        self.alerts_kms_key = KmsKey(
            self,
            "alerts_kms_key",
            description=f"KMS key for alerts - {self.environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=json.dumps(alerts_policy),
        )

        KmsAlias(
            self,
            "alerts_kms_alias",
            name=f"alias/payment-alerts-{self.environment_suffix}",
            target_key_id=self.alerts_kms_key.key_id,
        )

        cloudwatch_logs_policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "Allow CloudWatch Logs",
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{self.aws_region}.amazonaws.com"},
                    "Action": [
                        "kms:Encrypt",
                        "kms:Decrypt",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:CreateGrant",
                        "kms:DescribeKey",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": (
                                f"arn:aws:logs:{self.aws_region}:{self.account_id}:log-group:*"
                            )
                        }
                    },
                },
            ],
        }

        self.cloudwatch_kms_key = KmsKey(
            self,
            "cloudwatch_kms_key",
            description=f"KMS key for CloudWatch Logs - {self.environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=json.dumps(cloudwatch_logs_policy),
        )

        KmsAlias(
            self,
            "cloudwatch_kms_alias",
            name=f"alias/payment-logs-{self.environment_suffix}",
            target_key_id=self.cloudwatch_kms_key.key_id,
        )

    def _create_security_groups(self, vpc_id: str, vpc_cidr: str):
        self.endpoint_security_group = SecurityGroup(
            self,
            "endpoint_security_group",
            name=f"payment-endpoints-{self.environment_suffix}",
            description="HTTPS from inside the VPC to the endpoints",
            vpc_id=vpc_id,
        )

        VpcSecurityGroupIngressRule(
            self,
            "endpoint_https_ingress",
            security_group_id=self.endpoint_security_group.id,
            description="HTTPS from the VPC",
            cidr_ipv4=vpc_cidr,
            from_port=443,
            to_port=443,
            ip_protocol="tcp",
        )

        self.application_security_group = SecurityGroup(
            self,
            "application_security_group",
            name=f"payment-application-{self.environment_suffix}",
            description="Payment application: HTTPS to the endpoints and nothing else",
            vpc_id=vpc_id,
        )

        VpcSecurityGroupEgressRule(
            self,
            "application_https_egress",
            security_group_id=self.application_security_group.id,
            description="HTTPS to the endpoints",
            referenced_security_group_id=self.endpoint_security_group.id,
            from_port=443,
            to_port=443,
            ip_protocol="tcp",
        )

    def _create_firewall(self, vpc_id: str, subnet_ids: list):
        rule_group = NetworkfirewallRuleGroup(
            self,
            "allowed_domains",
            name=f"payment-allowed-domains-{self.environment_suffix}",
            capacity=100,
            type="STATEFUL",
            rule_group=NetworkfirewallRuleGroupRuleGroup(
                rules_source=NetworkfirewallRuleGroupRuleGroupRulesSource(
                    rules_source_list=NetworkfirewallRuleGroupRuleGroupRulesSourceRulesSourceListStruct(
                        generated_rules_type="ALLOWLIST",
                        target_types=["TLS_SNI"],
                        targets=[".amazonaws.com"],
                    )
                )
            ),
        )

        firewall_policy = NetworkfirewallFirewallPolicy(
            self,
            "firewall_policy",
            name=f"payment-firewall-policy-{self.environment_suffix}",
            firewall_policy=NetworkfirewallFirewallPolicyFirewallPolicy(
                stateless_default_actions=["aws:forward_to_sfe"],
                stateless_fragment_default_actions=["aws:forward_to_sfe"],
                stateful_rule_group_reference=[
                    NetworkfirewallFirewallPolicyFirewallPolicyStatefulRuleGroupReference(
                        resource_arn=rule_group.arn,
                    )
                ],
            ),
        )

        self.firewall = NetworkfirewallFirewall(
            self,
            "firewall",
            name=f"payment-firewall-{self.environment_suffix}",
            firewall_policy_arn=firewall_policy.arn,
            vpc_id=vpc_id,
            subnet_mapping=[NetworkfirewallFirewallSubnetMapping(subnet_id=subnet_id) for subnet_id in subnet_ids],
        )
