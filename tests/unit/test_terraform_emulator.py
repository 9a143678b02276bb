"""The guard in front of the emulated AWS answers what moto lacks, and stays out of the way otherwise."""

import io
import json

import pytest

from harness.terraform.inside.emulator import MARKER, NEWS_PATH, Guard, operation_name

SIGNED = "AWS4-HMAC-SHA256 Credential=assay/20250101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def request(service, method="POST", path="/", target="", form=b""):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(form), "CONTENT_LENGTH": str(len(form))}
    environ |= {"HTTP_AUTHORIZATION": SIGNED.format(service)}
    environ |= {"HTTP_X_AMZ_TARGET": target} if target else {}
    return environ | ({"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"} if form else {})


def application(status, body=b"", kind="text/xml"):
    def answer(environ, start_response):
        start_response(status, [("Content-Type", kind)])
        return [body]

    return answer


def failing(environ, start_response):
    raise NotImplementedError("The action has not been implemented")


def ask(guard, environ):
    seen = {}
    body = b"".join(guard(environ, lambda status, headers: seen.update(status=status, headers=dict(headers))))
    return seen["status"], seen["headers"], body


def news(guard):
    return json.loads(ask(guard, {"PATH_INFO": NEWS_PATH})[2])


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        (request("states", target="AWSStepFunctions.ValidateStateMachineDefinition"), "states:ValidateStateMachineDefinition"),
        (request("ec2", form=b"Action=DescribeVpcs&Version=2016-11-15"), "ec2:DescribeVpcs"),
        (request("cloudfront", "GET", "/2020-05-31/cache-policy"), "cloudfront:GET /2020-05-31/cache-policy"),
    ],
)
def test_an_operation_is_named_in_every_protocol(environ, name):
    assert operation_name(environ) == name


def test_reading_the_action_leaves_the_body_to_the_application():
    environ = request("ec2", form=b"Action=DescribeVpcs")
    operation_name(environ)
    assert environ["wsgi.input"].read() == b"Action=DescribeVpcs"


@pytest.mark.parametrize("app", [failing, application("500 Internal Server Error"), application("404 NOT FOUND", b"<!doctype html>\n<title>404")])
def test_what_the_emulator_lacks_is_a_client_error_and_is_told_once(app):
    guard = Guard(app)
    status, headers, body = ask(guard, request("states", target="AWSStepFunctions.ValidateStateMachineDefinition"))
    assert status.startswith("400")
    assert headers["X-Amzn-ErrorType"] == headers["x-amzn-RequestId"] == MARKER
    assert json.loads(body)["__type"] == MARKER
    assert news(guard)["lacking"] == ["states:ValidateStateMachineDefinition"]
    assert news(guard)["lacking"] == []


@pytest.mark.parametrize(
    ("environ", "start"),
    [
        (request("ec2", form=b"Action=X"), b"<Response><Errors><Error>"),
        (request("iam", form=b"Action=X"), b"<ErrorResponse><Error>"),
        (request("s3", "PUT", "/bucket"), b"<Error>"),
    ],
)
def test_the_error_has_the_shape_of_the_protocol(environ, start):
    assert ask(Guard(failing), environ)[2].startswith(start)


def test_an_error_of_a_service_is_passed_on():
    guard = Guard(application("404 NOT FOUND", b"<Error><Code>NoSuchBucket</Code></Error>"))
    assert ask(guard, request("s3", "GET", "/none"))[0] == "404 NOT FOUND"
    assert ask(Guard(application("404 NOT FOUND", kind="text/html")), request("s3", "HEAD", "/none"))[0] == "404 NOT FOUND"
    assert news(guard)["lacking"] == []


def test_what_is_not_aws_is_for_who_knows_the_password():
    guard = Guard(application("200 OK"), "secret")
    for path in ("/assay/news", "/moto-api/reset", "/moto-api/data.json"):
        assert ask(guard, request("s3", "GET", path))[0] == "403 Forbidden"
        assert ask(guard, request("s3", "GET", path) | {"HTTP_X_ASSAY_PASSWORD": "secret"})[0].startswith("200")
    assert ask(guard, request("s3", "GET", "/assay/key"))[0] == "200 OK"


def test_only_a_write_asks_for_a_fresh_account():
    guard = Guard(application("200 OK"))
    ask(guard, request("ec2", form=b"Action=DescribeVpcs"))
    ask(guard, request("s3", "GET", "/none"))
    assert not news(guard)["written"]
    ask(guard, request("ec2", form=b"Action=CreateVpc"))
    assert news(guard)["written"]
