"""The application load balancer, which speaks HTTPS only."""

from cdktf import TerraformIterator
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.route53_record import Route53Record
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.network import EdgeNetwork

MAX_NAME = 32


class Balancer(Construct):
    """Listens on 80 and 443, and hands requests to targets on 8080."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        domain_name: str,
        zone_id: str,
        network: EdgeNetwork,
    ):
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
            name=f"storefront-edge-{environment_suffix}"[:MAX_NAME],
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
            health_check=LbTargetGroupHealthCheck(path="/healthz", matcher="200", interval=15),
        )

        certificate = self._issued_certificate(domain_name, zone_id)

        LbListener(
            self,
            "http",
            load_balancer_arn=self.load_balancer.arn,
            port=80,
            protocol="HTTP",
            default_action=[
                {
                    "type": "redirect",
                    "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
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
            certificate_arn=certificate.certificate_arn,
            default_action=[{"type": "forward", "targetGroupArn": self.target_group.arn}],
        )

    def _issued_certificate(self, domain_name: str, zone_id: str) -> AcmCertificateValidation:
        # A listener takes a certificate once it is issued, so it waits for the records that prove the domain
        certificate = AcmCertificate(self, "certificate", domain_name=domain_name, validation_method="DNS")
        proof = TerraformIterator.from_complex_list(certificate.domain_validation_options, "domain_name")
        Route53Record(
            self,
            "proof",
            for_each=proof,
            zone_id=zone_id,
            name=proof.get_string("resource_record_name"),
            type=proof.get_string("resource_record_type"),
            records=[proof.get_string("resource_record_value")],
            ttl=60,
        )
        return AcmCertificateValidation(self, "issued", certificate_arn=certificate.arn)
