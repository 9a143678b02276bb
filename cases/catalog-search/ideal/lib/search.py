"""The OpenSearch domain, its log and its alarms."""

import json

from cdktf import TerraformIterator, Token
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_resource_policy import CloudwatchLogResourcePolicy
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.opensearch_domain import (
    OpensearchDomain,
    OpensearchDomainClusterConfig,
    OpensearchDomainClusterConfigZoneAwarenessConfig,
    OpensearchDomainDomainEndpointOptions,
    OpensearchDomainEbsOptions,
    OpensearchDomainEncryptAtRest,
    OpensearchDomainLogPublishingOptions,
    OpensearchDomainNodeToNodeEncryption,
    OpensearchDomainVpcOptions,
)
from constructs import Construct

from lib.network import Network

WATCHED_METRICS = {"cpu": "CPUUtilization", "memory": "JVMMemoryPressure"}
LIMIT_PERCENT = 80


class Search(Construct):
    """Two data nodes in two zones."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, network: Network):
        super().__init__(scope, id)

        log_group = CloudwatchLogGroup(
            self,
            "slow_log",
            name=f"/aws/opensearch/product-search-{environment_suffix}",
            retention_in_days=30,
        )
        self.log_policy = CloudwatchLogResourcePolicy(
            self,
            "log_policy",
            policy_name=f"product-search-{environment_suffix}",
            policy_document=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "es.amazonaws.com"},
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{log_group.arn}:*",
                        }
                    ],
                }
            ),
        )

        self.domain = OpensearchDomain(
            self,
            "domain",
            domain_name=f"products-{environment_suffix}",
            engine_version="OpenSearch_2.17",
            cluster_config=OpensearchDomainClusterConfig(
                instance_type="r7g.large.search",
                instance_count=2,
                zone_awareness_enabled=True,
                zone_awareness_config=OpensearchDomainClusterConfigZoneAwarenessConfig(availability_zone_count=2),
            ),
            ebs_options=OpensearchDomainEbsOptions(ebs_enabled=True, volume_type="gp3", volume_size=50),
            vpc_options=OpensearchDomainVpcOptions(
                subnet_ids=network.subnet_ids,
                security_group_ids=[network.group.id],
            ),
            encrypt_at_rest=OpensearchDomainEncryptAtRest(enabled=True),
            node_to_node_encryption=OpensearchDomainNodeToNodeEncryption(enabled=True),
            domain_endpoint_options=OpensearchDomainDomainEndpointOptions(
                enforce_https=True,
                tls_security_policy="Policy-Min-TLS-1-2-2019-07",
            ),
            log_publishing_options=[
                OpensearchDomainLogPublishingOptions(
                    cloudwatch_log_group_arn=log_group.arn,
                    log_type="INDEX_SLOW_LOGS",
                )
            ],
            depends_on=[self.log_policy],
        )

        metrics = TerraformIterator.from_map(WATCHED_METRICS)
        metric = Token.as_string(metrics.value)
        CloudwatchMetricAlarm(
            self,
            "load",
            for_each=metrics,
            alarm_name=f"products-{metric}-{environment_suffix}",
            alarm_description="A node of the product search is at its limit",
            namespace="AWS/ES",
            metric_name=metric,
            dimensions={"DomainName": self.domain.domain_name},
            statistic="Maximum",
            period=300,
            evaluation_periods=3,
            threshold=LIMIT_PERCENT,
            comparison_operator="GreaterThanThreshold",
        )
