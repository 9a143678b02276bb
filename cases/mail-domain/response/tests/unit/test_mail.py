"""Tests over both synthesized stacks."""

import json

import pytest
from cdktf import Testing

from lib.domain_stack import DomainStack
from lib.mail_stack import MailStack

DOMAIN = "test.shop.assay-iac.com"


@pytest.fixture(scope="module")
def domain():
    return json.loads(Testing.synth(DomainStack(Testing.app(), "domain", domain_name=DOMAIN)))["resource"]


@pytest.fixture(scope="module")
def mail():
    stack = MailStack(Testing.app(), "mail", domain_name=DOMAIN, environment_suffix="test")
    return json.loads(Testing.synth(stack))["resource"]


def only(resources, kind):
    (found,) = resources[kind].values()
    return found


def test_there_is_a_record_per_dkim_token(domain):
    kinds = [record["type"] for record in domain["aws_route53_record"].values()]
    assert sorted(kinds) == ["CNAME", "CNAME", "CNAME", "MX", "TXT"]


def test_mail_is_received_in_the_region(domain):
    (mx,) = [record for record in domain["aws_route53_record"].values() if record["type"] == "MX"]
    assert mx["records"] == ["10 inbound-smtp.eu-west-1.amazonaws.com"]


def test_sending_demands_tls(mail):
    assert only(mail, "aws_sesv2_configuration_set")["delivery_options"]["tls_policy"] == "REQUIRE"


def test_bad_news_reach_the_topic(mail):
    destination = only(mail, "aws_sesv2_configuration_set_event_destination")["event_destination"]
    assert destination["matching_event_types"] == ["BOUNCE", "COMPLAINT", "REJECT"]
    assert "aws_sns_topic" in destination["sns_destination"]["topic_arn"]
    assert "aws_sns_topic" in only(mail, "aws_cloudwatch_metric_alarm")["alarm_actions"][0]


def test_only_ses_writes_into_the_inbox(mail):
    (statement,) = json.loads(only(mail, "aws_s3_bucket_policy")["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Resource"].endswith("/*")


def test_received_mail_expires(mail):
    (rule,) = only(mail, "aws_s3_bucket_lifecycle_configuration")["rule"]
    assert rule["expiration"][0]["days"] == 30
