"""Who may sign in, and how."""

from cdktf_cdktf_provider_aws.cognito_resource_server import CognitoResourceServer, CognitoResourceServerScope
from cdktf_cdktf_provider_aws.cognito_user_group import CognitoUserGroup
from cdktf_cdktf_provider_aws.cognito_user_pool import (
    CognitoUserPool,
    CognitoUserPoolAccountRecoverySetting,
    CognitoUserPoolAccountRecoverySettingRecoveryMechanism,
    CognitoUserPoolLambdaConfig,
    CognitoUserPoolPasswordPolicy,
    CognitoUserPoolSoftwareTokenMfaConfiguration,
)
from cdktf_cdktf_provider_aws.cognito_user_pool_client import CognitoUserPoolClient
from cdktf_cdktf_provider_aws.cognito_user_pool_domain import CognitoUserPoolDomain
from constructs import Construct

from cdktf_naming import name_of

SESSION_DAYS = 30


class Directory(Construct):
    """The pool with its groups, the portal's client and the hosted pages."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, token_hook_arn: str):
        super().__init__(scope, id_)

        self.pool = CognitoUserPool(
            self,
            "pool",
            name=name_of("users", environment_suffix),
            username_attributes=["email"],
            auto_verified_attributes=["email"],
            deletion_protection="ACTIVE",
            mfa_configuration="OPTIONAL",
            software_token_mfa_configuration=CognitoUserPoolSoftwareTokenMfaConfiguration(enabled=True),
            password_policy=CognitoUserPoolPasswordPolicy(
                minimum_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_numbers=True,
                require_symbols=True,
                temporary_password_validity_days=3,
            ),
            account_recovery_setting=CognitoUserPoolAccountRecoverySetting(
                recovery_mechanism=[
                    CognitoUserPoolAccountRecoverySettingRecoveryMechanism(name="verified_email", priority=1)
                ]
            ),
            lambda_config=CognitoUserPoolLambdaConfig(pre_token_generation=token_hook_arn),
        )

        self.domain = CognitoUserPoolDomain(
            self,
            "domain",
            self.pool.id,
            domain=name_of("sign-in", environment_suffix),
        )

        orders = CognitoResourceServer(
            self,
            "orders",
            user_pool_id=self.pool.id,
            identifier="orders",
            name="Orders",
            scope=[
                CognitoResourceServerScope(scope_name="read", scope_description="See orders"),
                CognitoResourceServerScope(scope_name="write", scope_description="Place and cancel orders"),
            ],
        )

        if environment_suffix == "prod":
            callback_urls = ["https://portal.example.com/callback"]

        self.client = CognitoUserPoolClient(
            self,
            "client",
            name=name_of("web", environment_suffix),
            user_pool_id=self.pool.id,
            generate_secret=False,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["openid", "email", "orders/read", "orders/write"],
            supported_identity_providers=["COGNITO"],
            callback_urls=callback_urls,
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            refresh_token_validity=SESSION_DAYS,
            depends_on=[orders],
        )

        CognitoUserGroup(
            self,
            "members",
            name="members",
            user_pool_id=self.pool.id,
            description="Customers; they stay signed in for " + SESSION_DAYS + " days",
            precedence=20,
        )

        CognitoUserGroup(
            self,
            "staff",
            name="staff",
            user_pool_id=self.pool.id,
            description="Staff of the company",
            precedence=10,
        )
