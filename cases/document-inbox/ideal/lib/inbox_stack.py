"""The stack of the document inbox."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.queues import Queues
from lib.storage import Storage


class InboxStack(TerraformStack):
    """Where documents arrive, and the queue of those that wait to be read."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-central-1"):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Project": "document-inbox", "Environment": environment_suffix}}],
        )
        storage = Storage(self, "storage", environment_suffix=environment_suffix)
        queues = Queues(self, "queues", bucket=storage.bucket, environment_suffix=environment_suffix)

        TerraformOutput(self, "bucket_name", value=storage.bucket.id)
        TerraformOutput(self, "queue_url", value=queues.jobs.url)
