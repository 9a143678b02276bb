"""The way in."""

from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener, LbListenerDefaultAction
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

ANYWHERE = "0.0.0.0/0"


class LoadBalancer(Construct):
    """A public application load balancer with one target group."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, vpc_id: str, subnet_ids: list[str]):
        super().__init__(scope, id)

        self.security_group = SecurityGroup(
            self,
            "security_group",
            name=f"web-balancer-{environment_suffix}",
            description="Security group of the ALB",
            vpc_id=vpc_id,
        )
        VpcSecurityGroupIngressRule(
            self,
            "http",
            security_group_id=self.security_group.id,
            cidr_ipv4=ANYWHERE,
            ip_protocol="tcp",
            from_port=80,
            to_port=80,
        )
        VpcSecurityGroupEgressRule(
            self,
            "all_out",
            security_group_id=self.security_group.id,
            cidr_ipv4=ANYWHERE,
            ip_protocol="-1",
        )

        self.load_balancer = Lb(
            self,
            "load_balancer",
            name=f"web-service-application-lb-{environment_suffix}-public",
            load_balancer_type="application",
            internal=False,
            security_groups=[self.security_group.id],
            subnets=subnet_ids,
            drop_invalid_header_fields=True,
        )

        self.target_group = LbTargetGroup(
            self,
            "target_group",
            name=f"web-{environment_suffix}",
            port=80,
            protocol="HTTP",
            target_type="ip",
            vpc_id=vpc_id,
            deregistration_delay=30,
            health_check=LbTargetGroupHealthCheck(
                path="/healthz",
                matcher="200",
                interval=15,
                timeout=5,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
        )

        self.listener = LbListener(
            self,
            "http",
            load_balancer_arn=self.load_balancer.arn,
            port=80,
            protocol="HTTP",
            default_action=[LbListenerDefaultAction(type="forward", target_group_arn=self.target_group.arn)],
        )
