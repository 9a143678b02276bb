"""The streams that clicks arrive in."""

from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream, KinesisStreamStreamModeDetails
from constructs import Construct

SHARD_METRICS = ("IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords")


class Streams(Construct):
    """`clicks` takes everything, `rejected` what could not be enriched."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, shard_count: int):
        super().__init__(scope, id_)

        self.clicks = KinesisStream(
            self,
            "clicks",
            name=f"clicks-{environment_suffix}",
            shard_count=shard_count,
            retention_period=48,
            encryption_type="KMS",
            kms_key_id="alias/aws/kinesis",
            shard_level_metrics=SHARD_METRICS,
            stream_mode_details=KinesisStreamStreamModeDetails(stream_mode="PROVISIONED"),
        )

        self.rejected = KinesisStream(
            self,
            "rejected",
            name=f"clicks-rejected-{environment_suffix}",
            retention_period=24,
            encryption_type="KMS",
            kms_key_id="alias/aws/kinesis",
            stream_mode_details=KinesisStreamStreamModeDetails(stream_mode="PROVISIONED"),
        )
