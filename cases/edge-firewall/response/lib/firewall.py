"""The web application firewall and its log."""

import json
import os

import netaddr
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.wafv2_ip_set import Wafv2IpSet
from cdktf_cdktf_provider_aws.wafv2_web_acl import (
    Wafv2WebAcl,
    Wafv2WebAclDefaultAction,
    Wafv2WebAclDefaultActionAllow,
    Wafv2WebAclRule,
    Wafv2WebAclRuleAction,
    Wafv2WebAclRuleActionBlock,
    Wafv2WebAclRuleOverrideAction,
    Wafv2WebAclRuleOverrideActionNone,
    Wafv2WebAclRuleVisibilityConfig,
    Wafv2WebAclVisibilityConfig,
)
from cdktf_cdktf_provider_aws.wafv2_web_acl_association import Wafv2WebAclAssociation
from cdktf_cdktf_provider_aws.wafv2_web_acl_logging_configuration import Wafv2WebAclLoggingConfiguration
from constructs import Construct

BLOCKED_CIDRS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "config", "blocked_cidrs.json"
)


def blocked_cidrs():
    """Read the list of blocked networks and normalise it."""
    with open(BLOCKED_CIDRS, encoding="utf-8") as file:
        return [str(netaddr.IPNetwork(cidr).cidr) for cidr in json.load(file)["cidrs"]]


class Firewall(Construct):
    """Blocks known attackers and floods, and what Amazon's common rules find."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, domain_name: str, protected_arn: str):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        blocked = Wafv2IpSet(
            self,
            "blocked",
            name=f"blocked-{environment_suffix}",
            scope="REGIONAL",
            ip_address_version="IPV4",
            addresses=blocked_cidrs(),
        )

        self.web_acl = Wafv2WebAcl(
            self,
            "web_acl",
            name=f"storefront-{environment_suffix}",
            description="Storefront web ACL",
            scope="REGIONAL",
            default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
            rule=[
                self._blocking_rule("blocked-networks", 0, {"ip_set_reference_statement": {"arn": blocked.arn}}),
                self._blocking_rule("flood", 1, {"rate_based_statement": {"limit": 2000, "aggregate_key_type": "IP"}}),
                self._managed_rule("AWSManagedRulesCommonRuleSet", 2),
            ],
            visibility_config=Wafv2WebAclVisibilityConfig(
                cloudwatch_metrics_enabled=True,
                metric_name=f"storefront-{environment_suffix}",
                sampled_requests_enabled=True,
            ),
        )

        # Tokens are only valid for the storefront's domain
        self.web_acl.add_override("token_domains", domain_name)

        Wafv2WebAclAssociation(
            self,
            "association",
            resource_arn=protected_arn,
            web_acl_arn=self.web_acl.arn,
        )
        self._log_requests()

    def _visibility(self, name: str):
        return Wafv2WebAclRuleVisibilityConfig(
            cloudwatch_metrics_enabled=True,
            metric_name=f"{name}-{self.environment_suffix}",
            sampled_requests_enabled=True,
        )

    def _blocking_rule(self, name: str, priority: int, statement: dict):
        return Wafv2WebAclRule(
            name=name,
            priority=priority,
            action=Wafv2WebAclRuleAction(block=Wafv2WebAclRuleActionBlock()),
            statement=statement,
            visibility_config=self._visibility(name),
        )

    def _managed_rule(self, name: str, priority: int):
        return Wafv2WebAclRule(
            name=name,
            priority=priority,
            override_action=Wafv2WebAclRuleOverrideAction(none=Wafv2WebAclRuleOverrideActionNone()),
            statement={"managed_rule_group_statement": {"name": name, "vendor_name": "AWS"}},
            visibility_config=self._visibility(name),
        )

    def _log_requests(self):
        # WAF accepts no other beginning of the name
        log_group = CloudwatchLogGroup(
            self,
            "requests",
            name=f"aws-waf-logs-storefront-{self.environment_suffix}",
            retention_in_days=90,
        )
        Wafv2WebAclLoggingConfiguration(
            self,
            "logging",
            resource_arn=self.web_acl.arn,
            log_destination_configs=[log_group.arn],
        )
