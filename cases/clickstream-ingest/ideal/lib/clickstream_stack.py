"""The stack of the clickstream ingest."""

from cdktf import TerraformOutput, TerraformStack, TerraformVariable
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.alarms import Alarms
from lib.catalog import Catalog
from lib.delivery import Delivery
from lib.enrichment import Enrichment
from lib.streams import Streams


class ClickstreamStack(TerraformStack):
    """Streams, enrichment, delivery, catalog and alarms of one environment."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        data_owner: str,
        region: str = "us-east-1",
        replay_stream_arn: str | None = None,
    ):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"DataOwner": data_owner, "Environment": environment_suffix}}],
        )
        shard_count = TerraformVariable(
            self,
            "shard_count",
            type="number",
            default=2,
            description="Shards of the stream that takes the clicks",
        )

        streams = Streams(
            self,
            "streams",
            environment_suffix=environment_suffix,
            shard_count=shard_count.number_value,
        )
        enrichment = Enrichment(
            self,
            "enrichment",
            environment_suffix=environment_suffix,
            rejected_stream_arn=streams.rejected.arn,
        )
        delivery = Delivery(
            self,
            "delivery",
            environment_suffix=environment_suffix,
            stream_arn=streams.clicks.arn,
            function_arn=enrichment.function.arn,
            replay_stream_arn=replay_stream_arn,
        )
        Catalog(self, "catalog", environment_suffix=environment_suffix, bucket_name=delivery.bucket.id)
        Alarms(
            self,
            "alarms",
            environment_suffix=environment_suffix,
            stream_name=streams.clicks.name,
            function_name=enrichment.function.function_name,
            delivery_name=delivery.delivery_stream.name,
        )

        TerraformOutput(self, "stream_name", value=streams.clicks.name)
        TerraformOutput(self, "bucket_name", value=delivery.bucket.id)
