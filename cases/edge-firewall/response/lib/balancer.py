"""The application load balancer, which speaks HTTPS only."""

from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.network import EdgeNetwork


class Balancer(Construct):
    """Listens on 80 and 443, and hands requests to targets on 8080."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, domain_name: str, network: EdgeNetwork):
        super().__init__(scope, id_)

        security_group = SecurityGroup(
            self,
            "security_group",
            name=f"storefront-edge-{environment_suffix}",
            description="HTTP and HTTPS from everywhere",
            vpc_id=network.vpc.id,
        )
        for port in (80, 443):
            VpcSecurityGroupIngressRule(
                self,
                f"ingress_{port}",
                security_group_id=security_group.id,
                cidr_ipv4="0.0.0.0/0",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
            )
        VpcSecurityGroupEgressRule(
            self,
            "egress_targets",
            security_group_id=security_group.id,
            cidr_ipv4=network.vpc.cidr_block,
            ip_protocol="tcp",
            from_port=8080,
            to_port=8080,
        )

        self.load_balancer = Lb(
            self,
            "load_balancer",
            name=f'${{substr("storefront-edge-{environment_suffix}", 0)}}',
            load_balancer_type="application",
            subnets=[subnet.id for subnet in network.subnets],
            security_groups=[security_group.id],
            drop_invalid_header_fields=True,
        )

        self.target_group = LbTargetGroup(
            self,
            "storefront",
            name=f"storefront-{environment_suffix}",
            port=8080,
            protocol="HTTP",
            target_type="ip",
            vpc_id=network.vpc.id,
            health_check=LbTargetGroupHealthCheck(path="/healthz", matcher="200", interval=30),
        )

        certificate = AcmCertificate(self, "certificate", domain_name=domain_name, validation_method="DNS")

        LbListener(
            self,
            "http",
            load_balancer_arn=self.load_balancer.arn,
            port=80,
            protocol="HTTP",
            default_action=[
                {
                    "type": "redirect",
                    "redirect": {"port": 443, "protocol": "HTTPS", "statusCode": "HTTP_301"},
                }
            ],
        )
        LbListener(
            self,
            "https",
            load_balancer_arn=self.load_balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            certificate_arn=certificate.arn,
            default_action=[{"type": "forward", "targetGroupArn": self.target_group.arn}],
        )
