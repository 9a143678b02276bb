"""The key that everything is encrypted with, and the token that opens the cache."""

import json

from cdktf_cdktf_provider_aws.data_aws_secretsmanager_random_password import DataAwsSecretsmanagerRandomPassword
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from cdktf_cdktf_provider_aws.secretsmanager_secret_version import SecretsmanagerSecretVersion
from constructs import Construct


class Credentials(Construct):
    """A KMS key, a generated token, and a secret that the connection is published in."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        self.key = KmsKey(
            self,
            "key",
            description=f"Session cache ({environment_suffix})",
            enable_key_rotation=True,
            deletion_window_in_days=14,
        )
        KmsAlias(
            self,
            "key_alias",
            name=f"alias/session-cache-{environment_suffix}",
            target_key_id=self.key.key_id,
        )

        # ElastiCache takes no punctuation but a few characters
        self.token = DataAwsSecretsmanagerRandomPassword(
            self,
            "token",
            password_length=64,
            exclude_punctuation=True,
        )
        self.secret = SecretsmanagerSecret(
            self,
            "secret",
            name=f"session-cache/{environment_suffix}",
            description="Session cache connection",
            kms_key_id=self.key.arn,
            recovery_window_in_days=7,
        )

    def publish(self, host: str, port: int):
        """Write down how the application connects."""
        SecretsmanagerSecretVersion(
            self,
            "connection",
            secret_id=self.secret.id,
            secret_string=json.dumps({"host": host, "port": port, "token": self.token.random_password}),
        )
