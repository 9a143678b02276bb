"""Packages that exist, by the names that Python imports them under: what tells a missing package from a module that nobody wrote.

`POPULAR` was put together by hand from what infrastructure code and its tests import. Each package stands among the 15,000 that PyPI
served most in November 2026 (its download statistics); the standard library is Python's own list. `PREBUILT_PROVIDERS` are all prebuilt
providers of CDKTF that PyPI had then (`cdktf-cdktf-provider-*`, the last release being of December 2025), without aws, which the toolchain has.
"""

from __future__ import annotations

_POPULAR_NAMES = """
aioboto3 aiobotocore aiohttp aiomysql alembic ansible anthropic apscheduler arrow asyncpg attr attrs authlib aws_cdk aws_cdk_lib aws_encryption_sdk
aws_lambda_powertools aws_requests_auth aws_xray_sdk awscli awswrangler azure backoff bcrypt behave boto3 botocore bottle bs4 cachetools cassandra cattrs
cdk8s cdk_nag celery cerberus certifi cfnlint chalice checkov click colorama confluent_kafka coverage croniter Crypto cryptography cv2 dacite dask datadog
dateutil decouple digitalocean django dns docker docopt dotenv duckdb elasticsearch environs fabric factory faker fastapi fire flask flask_cors freezegun
fsspec git github gitlab google grpc gunicorn hcl hcl2 httpx humanize hydra hypothesis idna jinja2 jira joblib jose jsonschema jwt kafka keras kubernetes
langchain lightgbm localstack_client locust loguru lxml mako mangum markupsafe marshmallow matplotlib mock more_itertools moto msal mysql MySQLdb nacl netaddr
networkx newrelic nltk nox numpy oauthlib omegaconf openai openpyxl opensearchpy OpenSSL openstack opentelemetry orjson packaging pandas parameterized
paramiko passlib pendulum pika PIL pip pkg_resources plotly polars prometheus_client prowler psutil psycopg psycopg2 pulumi pulumi_aws pulumi_docker
pulumi_kubernetes pulumi_random pyarrow pydantic pydantic_settings pymongo pymysql pyspark pytest pytest_cov pytest_mock python_terraform pytz redis requests
requests_aws4auth requests_toolbelt responses rest_framework retry rich s3fs s3transfer samcli sanic sceptre schedule scipy seaborn sendgrid sentry_sdk
setuptools simplejson six sklearn slack_sdk snowflake spacy sqlalchemy starlette statsd stripe structlog sympy tabulate tenacity tensorflow termcolor tiktoken
toml tomli tomli_w toolz torch tornado tox tqdm transformers troposphere twilio typer typing_extensions tzlocal ujson urllib3 uvicorn vcr watchdog websocket
websockets werkzeug wheel xgboost xlsxwriter xmltodict yaml
"""
POPULAR = frozenset(_POPULAR_NAMES.split())
_PREBUILT_PROVIDERS_NAMES = """
acme ad archive azuread azurerm azurestack boundary cloudflare cloudinit consul databricks datadog digitalocean dns dnsimple docker external github gitlab
google google_beta googleworkspace hashicups hcp hcs helm http ionoscloud kubernetes launchdarkly local mongodbatlas newrelic nomad null okta opc openstack
opentelekomcloud oraclepaas pagerduty postgresql random salesforce snowflake spotinst template tfe time tls upcloud vault vsphere waypoint yandex
"""
PREBUILT_PROVIDERS = frozenset(_PREBUILT_PROVIDERS_NAMES.split())
_PROVIDER = "cdktf_cdktf_provider_"


def exists(module: str) -> bool:
    """Whether there is a package that `module` would be imported from, had it been installed."""
    top = module.split(".")[0]
    return top in POPULAR or (top.startswith(_PROVIDER) and top.removeprefix(_PROVIDER) in PREBUILT_PROVIDERS)
