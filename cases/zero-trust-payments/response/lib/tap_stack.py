"""The one Terraform stack; it ties the parts of the system together."""

from cdktf import S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.compliance import ComplianceStack
from lib.monitoring import MonitoringStack
from lib.networking import NetworkingStack
from lib.security import SecurityStack
from lib.storage import StorageStack
from lib.vpc_endpoints import VpcEndpointsStack


class TapStack(TerraformStack):
    """Zero-trust payment processing: nothing is reachable from outside, everything is encrypted and audited."""

    def __init__(self, scope: Construct, id: str, **kwargs):
        super().__init__(scope, id)

        if state_bucket:
            S3Backend(
                self,
                bucket=state_bucket,
                key=f"{environment_suffix}/{id}.tfstate",
                region=state_bucket_region or aws_region,
                encrypt=True,
            )

        AwsProvider(
            self,
            "aws",
            region=aws_region,
            default_tags={
                "Environment": f"payment-{environment_suffix}",
                "ManagedBy": "cdktf"
            }
        )

        networking = NetworkingStack(
            self,
            "networking",
            environment_suffix=environment_suffix,
        )

        security = SecurityStack(
            self,
            "security",
            environment_suffix=environment_suffix,
            aws_region=aws_region,
            vpc_id=networking.vpc.id,
            vpc_cidr=networking.vpc_cidr,
            subnet_ids=[s.id for s in networking.private_subnets],
        )

        VpcEndpointsStack(
            self,
            "vpc_endpoints",
            environment_suffix=environment_suffix,
            aws_region=aws_region,
            vpc_id=networking.vpc.id,
            subnet_ids=[s.id for s in networking.private_subnets],
            route_table_ids=[networking.private_route_table.id],
            security_group_ids=[security.endpoint_security_group.id],
        )

        storage = StorageStack(
            self,
            "storage",
            environment_suffix=environment_suffix,
            kms_key_arn=security.storage_kms_key.arn,
        )

        monitoring = MonitoringStack(
            self,
            "monitoring",
            environment_suffix=environment_suffix,
            vpc_id=networking.vpc.id,
            kms_key_arn=security.cloudwatch_kms_key.arn,
            alerts_kms_key_arn=security.alerts_kms_key.arn,
        )

        ComplianceStack(
            self,
            "compliance",
            environment_suffix=environment_suffix,
            aws_region=aws_region,
            kms_key_arn=security.ssm_kms_key.arn,
            audit_bucket_arn=storage.audit_bucket.arn,
        )

        TerraformOutput(self, "vpc_id", value=networking.vpc.id)
        TerraformOutput(self, "audit_bucket_name", value=storage.audit_bucket.bucket)
        TerraformOutput(self, "application_log_group", value=monitoring.app_log_group.name)
