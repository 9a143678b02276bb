"""The REST API in front of the function."""

import json

from cdktf import Fn, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.api_gateway_deployment import ApiGatewayDeployment
from cdktf_cdktf_provider_aws.api_gateway_integration import ApiGatewayIntegration
from cdktf_cdktf_provider_aws.api_gateway_method import ApiGatewayMethod
from cdktf_cdktf_provider_aws.api_gateway_method_settings import (
    ApiGatewayMethodSettings,
    ApiGatewayMethodSettingsSettings,
)
from cdktf_cdktf_provider_aws.api_gateway_resource import ApiGatewayResource
from cdktf_cdktf_provider_aws.api_gateway_rest_api import (
    ApiGatewayRestApi,
    ApiGatewayRestApiEndpointConfiguration,
)
from cdktf_cdktf_provider_aws.api_gateway_stage import ApiGatewayStage, ApiGatewayStageAccessLogSettings
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

ACCESS_LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "path": "$context.resourcePath",
        "status": "$context.status",
        "latency": "$context.responseLatency",
    }
)


class OrdersApi(Construct):
    """POST /orders and GET /orders/{order_id}, both answered by one function."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, function: LambdaFunction):
        super().__init__(scope, id)

        self.rest_api = ApiGatewayRestApi(
            self,
            "rest_api",
            name=f"orders-{environment_suffix}",
            description="Orders",
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(types=["REGIONAL"]),
        )

        orders = ApiGatewayResource(
            self,
            "orders",
            rest_api_id=self.rest_api.id,
            parent_id=self.rest_api.root_resource_id,
            path_part="orders",
        )
        order = ApiGatewayResource(
            self,
            "order",
            rest_api_id=self.rest_api.id,
            parent_id=orders.id,
            path_part="{order_id}",
        )

        create_method = ApiGatewayMethod(
            self,
            "create_method",
            rest_api_id=self.rest_api.id,
            resource_id=orders.id,
            http_method="POST",
            authorization="AWS_IAM",
        )
        create_integration = ApiGatewayIntegration(
            self,
            "create_integration",
            rest_api_id=self.rest_api.id,
            resource_id=orders.id,
            http_method=create_method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=function.invoke_arn,
        )

        read_method = ApiGatewayMethod(
            self,
            "read_method",
            rest_api_id=self.rest_api.id,
            resource_id=order.id,
            http_method="GET",
            authorization="AWS_IAM",
            request_parameters={"method.request.path.order_id": True},
        )
        read_integration = ApiGatewayIntegration(
            self,
            "read_integration",
            rest_api_id=self.rest_api.id,
            resource_id=order.id,
            http_method=read_method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=function.invoke_arn,
        )

        LambdaPermission(
            self,
            "invoke_permission",
            statement_id="AllowOrdersApi",
            action="lambda:InvokeFunction",
            function_name=function.function_name,
            principal="apigateway.amazonaws.com",
            source_arn=f"{self.rest_api.execution_arn}/*/*",
        )

        # A changed integration needs a new deployment
        deployment = ApiGatewayDeployment(
            self,
            "deployment",
            rest_api_id=self.rest_api.id,
            triggers={
                "redeployment": Fn.sha1(
                    Fn.jsonencode([orders.id, order.id, create_integration.id, read_integration.id])
                )
            },
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            depends_on=[create_integration, read_integration],
        )

        access_logs = CloudwatchLogGroup(
            self,
            "access_logs",
            name=f"/aws/apigateway/orders-{environment_suffix}",
            retention_in_days=90,
        )

        self.stage = ApiGatewayStage(
            self,
            "stage",
            rest_api_id=self.rest_api.id,
            deployment_id=deployment.id,
            stage_name=environment_suffix,
            xray_tracing_enabled=True,
            access_log_settings=ApiGatewayStageAccessLogSettings(
                destination_arn=access_logs.arn,
                format=ACCESS_LOG_FORMAT,
            ),
        )

        ApiGatewayMethodSettings(
            self,
            "throttling",
            rest_api_id=self.rest_api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                metrics_enabled=True,
                throttling_rate_limit=50,
                throttling_burst_limit=100,
            ),
        )
