"""Tests over the synthesized stack, and of the function's plain parts."""

import json

import pytest
from cdktf import Testing

from functions.orders.handler import answer, create, read
from lib.orders_stack import OrdersStack


@pytest.fixture(scope="module")
def resources():
    stack = OrdersStack(Testing.app(), "orders", environment_suffix="test")
    return json.loads(Testing.synth(stack))["resource"]


class Table:
    """What the handler needs of a DynamoDB table."""

    def __init__(self):
        self.items = {}

    def put_item(self, Item):
        self.items[Item["order_id"]] = Item

    def get_item(self, Key):
        found = self.items.get(Key["order_id"])
        return {"Item": found} if found else {}


def test_orders_can_be_found_by_customer(resources):
    (table,) = resources["aws_dynamodb_table"].values()
    (index,) = table["global_secondary_index"]
    assert (index["hash_key"], index["range_key"]) == ("customer_id", "created_at")
    assert table["point_in_time_recovery"]["enabled"] is True


def test_the_function_knows_its_table(resources):
    (function,) = resources["aws_lambda_function"].values()
    assert "aws_dynamodb_table" in function["environment"]["variables"]["ORDERS_TABLE"]
    assert function["timeout"] == 10


def test_no_method_is_open(resources):
    methods = resources["aws_api_gateway_method"].values()
    assert sorted(method["http_method"] for method in methods) == ["GET", "POST"]
    assert {method["authorization"] for method in methods} == {"AWS_IAM"}


def test_logs_are_kept_for_ninety_days(resources):
    assert {group["retention_in_days"] for group in resources["aws_cloudwatch_log_group"].values()} == {90}


def test_both_alarms_notify_somebody(resources):
    alarms = resources["aws_cloudwatch_metric_alarm"].values()
    assert len(alarms) == 2
    assert all(alarm["alarm_actions"] for alarm in alarms)


def test_an_order_is_stored_and_read_back():
    table = Table()
    created = json.loads(create(table, {"customer_id": "c1", "total": "9.90"})["body"])
    assert json.loads(read(table, created["order_id"])["body"]) == created
    assert read(table, "unknown")["statusCode"] == 404
    assert answer(200, {})["headers"]["Content-Type"] == "application/json"
