"""The stack of the orders API."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.alarms import Alarms
from lib.api import OrdersApi
from lib.compute import OrdersFunction
from lib.data import OrdersTable


class OrdersStack(TerraformStack):
    """Table, function, API and alarms, in the order in which they need each other."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, region: str = "us-east-1"):
        super().__init__(scope, id)

        tags = {"Service": "orders", "Environment": environment_suffix, "ManagedBy": "cdktf"}
        AwsProvider(self, "aws", region=region, default_tags=[AwsProviderDefaultTags(tags=tags)])

        data = OrdersTable(self, "data", environment_suffix=environment_suffix)
        compute = OrdersFunction(
            self,
            "compute",
            environment_suffix=environment_suffix,
            table=data.table,
        )
        api = OrdersApi(
            self,
            "api",
            environment_suffix=environment_suffix,
            function=compute.handler,
        )
        Alarms(
            self,
            "alarms",
            environment_suffix=environment_suffix,
            function_name=compute.handler.function_name,
            api_name=api.rest_api.name,
        )

        TerraformOutput(self, "invoke_url", value=api.stage.invoke_url)
        TerraformOutput(self, "table_name", value=data.table.name)
