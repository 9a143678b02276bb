"""A small stack that uses what most stacks use; running it once fills V8's code cache."""

from cdktf import App, Fn, S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupIngress
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc


class PrimingStack(TerraformStack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        S3Backend(self, bucket="state", key="priming", region="us-east-1")
        AwsProvider(self, "aws", region="us-east-1", default_tags=[{"tags": {"Environment": "priming"}}])
        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        vpc = Vpc(self, "vpc", cidr_block="10.0.0.0/16")
        for number in range(2):
            Subnet(
                self,
                f"subnet{number}",
                vpc_id=vpc.id,
                cidr_block=f"10.0.{number}.0/24",
                availability_zone=Fn.element(zones.names, number),
            )
        rule = SecurityGroupIngress(from_port=443, to_port=443, protocol="tcp", cidr_blocks=["10.0.0.0/16"])
        SecurityGroup(self, "group", vpc_id=vpc.id, ingress=[rule], tags={"Name": "priming"})
        key = KmsKey(self, "key", enable_key_rotation=True)
        TerraformOutput(self, "key_arn", value=key.arn)
        S3Bucket(self, "bucket", bucket_prefix="priming-", depends_on=[key])


app = App()
PrimingStack(app, "priming")
app.synth()
