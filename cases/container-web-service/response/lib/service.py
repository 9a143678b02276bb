"""The tasks, and how many of them there are."""

import json

from cdktf_cdktf_provider_aws.appautoscaling_policy import (
    AppautoscalingPolicy,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
)
from cdktf_cdktf_provider_aws.appautoscaling_target import AppautoscalingTarget
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.ecr_repository import EcrRepository
from cdktf_cdktf_provider_aws.ecs_cluster import EcsCluster, EcsClusterSetting
from cdktf_cdktf_provider_aws.ecs_service import (
    EcsService,
    EcsServiceDeploymentCircuitBreaker,
    EcsServiceLoadBalancer,
    EcsServiceNetworkConfiguration,
)
from cdktf_cdktf_provider_aws.ecs_task_definition import (
    EcsTaskDefinition,
    EcsTaskDefinitionContainerDefinitions,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.config import ServiceConfig
from lib.load_balancer import LoadBalancer

CONTAINER = "web"
TASKS_MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class WebService(Construct):
    """ECS cluster, task definition, Fargate service and auto scaling."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        config: ServiceConfig,
        vpc_id: str,
        subnet_ids: list[str],
        repository: EcrRepository,
        balancer: LoadBalancer,
    ):
        super().__init__(scope, id)
        name = f"web-{environment_suffix}"

        log_group = CloudwatchLogGroup(self, "log_group", name=f"/ecs/{name}", retention_in_days=15)

        execution_role = IamRole(
            self,
            "execution_role",
            name=f"{name}-execution",
            assume_role_policy=json.dumps(TASKS_MAY_ASSUME),
        )
        IamRolePolicyAttachment(
            self,
            "execution_permissions",
            role=execution_role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        )
        task_role = IamRole(
            self,
            "task_role",
            name=f"{name}-task",
            assume_role_policy=json.dumps(TASKS_MAY_ASSUME),
        )

        security_group = SecurityGroup(
            self,
            "security_group",
            name=f"{name}-tasks",
            description="Requests from the load balancer",
            vpc_id=vpc_id,
        )
        VpcSecurityGroupIngressRule(
            self,
            "from_balancer",
            security_group_id=security_group.id,
            referenced_security_group_id=balancer.security_group.id,
            ip_protocol="tcp",
            from_port=config.container_port,
            to_port=config.container_port,
        )
        VpcSecurityGroupEgressRule(
            self,
            "all_out",
            security_group_id=security_group.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="-1",
        )

        containers = [
            EcsTaskDefinitionContainerDefinitions(
                name=CONTAINER,
                image=f"{repository.repository_url}:{config.image_tag}",
                essential=True,
                port_mappings=[{"containerPort": config.container_port, "protocol": "tcp"}],
                log_configuration={
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": log_group.name,
                        "awslogs-region": "us-east-1",
                        "awslogs-stream-prefix": CONTAINER,
                    },
                },
            )
        ]

        task = EcsTaskDefinition(
            self,
            "task",
            family=name,
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            cpu=str(config.cpu),
            memory=str(config.memory),
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn,
            container_definitions=containers,
        )

        cluster = EcsCluster(
            self,
            "cluster",
            name=name,
            setting=[EcsClusterSetting(name="containerInsights", value="enabled")],
        )

        service = EcsService(
            self,
            "service",
            name=name,
            cluster=cluster.arn,
            task_definition=task.arn,
            launch_type="Fargate",
            desired_count=config.min_tasks,
            health_check_grace_period_seconds=60,
            network_configuration=EcsServiceNetworkConfiguration(
                subnets=subnet_ids,
                security_groups=[security_group.id],
                assign_public_ip=False,
            ),
            load_balancer=[
                EcsServiceLoadBalancer(
                    target_group_arn=balancer.target_group.arn,
                    container_name=CONTAINER,
                    container_port=config.container_port,
                )
            ],
            deployment_circuit_breaker=EcsServiceDeploymentCircuitBreaker(enable=True, rollback=True),
            depends_on=[balancer.listener],
        )

        target = AppautoscalingTarget(
            self,
            "scaling_target",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/{cluster.name}/{service.name}",
            min_capacity=config.min_tasks,
            max_capacity=config.max_tasks,
        )
        self._track(target, "cpu", 60, "ECSServiceAverageCPUUtilization")
        self._track(
            target,
            "requests",
            500,
            "ALBRequestCountPerTarget",
            f"{balancer.load_balancer.arn_suffix}/{balancer.target_group.arn_suffix}",
        )

    def _track(
        self,
        target: AppautoscalingTarget,
        name: str,
        value: int,
        metric: str,
        label: str | None = None,
    ) -> None:
        AppautoscalingPolicy(
            self,
            f"scale_by_{name}",
            name=f"scale-by-{name}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration(
                target_value=value,
                scale_in_cooldown=120,
                scale_out_cooldown=60,
                predefined_metric_specification=AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification(
                    predefined_metric_type=metric,
                    resource_label=label,
                ),
            ),
        )
