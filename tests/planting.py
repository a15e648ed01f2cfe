"""The simulated account with secrets planted in its answers: some operations are answered here, all others there.

Answers are written by botocore's output shapes (`flows.demo.encoding` refuses what a shape does not know), so that what
the collectors read is what AWS could have said.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from planted import Plant, in_base64, in_gzip

from flows.demo.encoding import encode_answer
from flows.demo.operations import Call, WireRequest, name_call, service_model
from flows.demo.wire_errors import WireAnswer, WireError, render_error

ACCOUNT, REGION = "111122223333", "eu-central-1"
_HOP = ("transfer-encoding", "connection", "content-length")
_PARAMETERS = ("application/x-www-form-urlencoded", "application/json", "application/x-amz-json", "application/cbor")


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


@dataclass
class Field:
    """Takes plants one after the other and remembers them."""

    supply: Iterator[Plant]
    taken: list[Plant] = field(default_factory=list)

    def text(self) -> str:
        """The text of the next plant."""
        self.taken.append(next(self.supply))
        return self.taken[-1].text

    def words(self, number: int) -> str:
        """Several, a line each."""
        return "\n".join(self.text() for _ in range(number))

    def mapped(self, number: int) -> dict[str, str]:
        return {f"NOTE_{index}": self.text() for index in range(number)}

    def named(self, number: int) -> list[tuple[str, str]]:
        return list(self.mapped(number).items())


def planted_answers(to: Field) -> dict[str, Any]:
    """`service:Operation` -> its answer: the places where people leave secrets."""
    function = {"FunctionName": "planted", "FunctionArn": arn("lambda", "function:planted"), "Runtime": "python3.13"}
    return {
        "lambda:ListFunctions": {
            "Functions": [{**function, "Description": to.text(), "Environment": {"Variables": to.mapped(6)}}]
        },
        "lambda:GetFunctionConfiguration": {
            **function, "Description": to.text(), "Environment": {"Variables": to.mapped(4)},
        },
        "ecs:ListTaskDefinitions": {"taskDefinitionArns": [arn("ecs", "task-definition/planted:1")]},
        "ecs:DescribeTaskDefinition": {
            "taskDefinition": {
                "taskDefinitionArn": arn("ecs", "task-definition/planted:1"),
                "containerDefinitions": [
                    {
                        "name": "web", "image": "web:1", "command": ["sh", "-c", to.text()], "entryPoint": [to.text()],
                        "environment": [{"name": name, "value": value} for name, value in to.named(4)],
                        "dockerLabels": to.mapped(3), "healthCheck": {"command": ["CMD-SHELL", to.text()]},
                        "logConfiguration": {"logDriver": "splunk", "options": to.mapped(2)},
                    }
                ],
            }
        },
        "codebuild:ListProjects": {"projects": ["planted"]},
        "codebuild:BatchGetProjects": {
            "projects": [
                {
                    "name": "planted", "arn": arn("codebuild", "project/planted"), "description": to.text(),
                    "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases:\n" + to.words(3)},
                    "environment": {
                        "type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL",
                        "environmentVariables": [
                            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in to.named(4)
                        ],
                    },
                }
            ]
        },
        "cloudformation:DescribeStacks": {
            "Stacks": [
                {
                    "StackId": arn("cloudformation", "stack/planted/1"), "StackName": "planted",
                    "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": "CREATE_COMPLETE", "Description": to.text(),
                    "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in to.named(4)],
                    "Outputs": [
                        {"OutputKey": key, "OutputValue": value, "Description": to.text()} for key, value in to.named(3)
                    ],
                    "Tags": [{"Key": key, "Value": value} for key, value in to.named(2)],
                }
            ]
        },
        "ssm:GetDocument": {"Name": "SSM-SessionManagerRunShell", "DocumentFormat": "JSON", "Content": to.words(4)},
        "ssm:DescribeParameters": {
            "Parameters": [{"Name": "/app/db", "Type": "String", "Description": to.text(), "AllowedPattern": to.text()}]
        },
        "glue:GetJobs": {
            "Jobs": [
                {"Name": "planted", "Description": to.text(), "DefaultArguments": {f"--{k}": v for k, v in to.named(4)},
                 "LogUri": to.text()}
            ]
        },
        "glue:GetJobRuns": {
            "JobRuns": [{"Id": "jr_1", "JobName": "planted", "ErrorMessage": to.text(), "Arguments": to.mapped(2)}]
        },
        "ec2:DescribeInstanceAttribute": {"UserData": {"Value": in_base64("#!/bin/sh\n" + to.words(4))}},
        "autoscaling:DescribeLaunchConfigurations": {
            "LaunchConfigurations": [
                {
                    "LaunchConfigurationName": "planted", "ImageId": "ami-1", "InstanceType": "t3.micro",
                    "CreatedTime": "2026-01-01T00:00:00Z", "UserData": in_gzip("#!/bin/sh\n" + to.words(4)),
                }
            ]
        },
        "rds:DescribeOptionGroups": {
            "OptionGroupsList": [
                {
                    "OptionGroupName": "planted", "OptionGroupDescription": to.text(),
                    "Options": [{"OptionName": "X", "OptionSettings": [
                        {"Name": name, "Value": value, "Description": to.text()} for name, value in to.named(3)]}],
                }
            ]
        },
        "stepfunctions:DescribeStateMachine": {
            "stateMachineArn": arn("states", "stateMachine:planted"), "name": "planted", "definition": to.words(3),
            "roleArn": arn("iam", "role/x"), "type": "STANDARD", "creationDate": "2026-01-01T00:00:00Z",
            "description": to.text(),
        },
        "dms:DescribeEndpoints": {
            "Endpoints": [
                {"EndpointIdentifier": "planted", "EndpointArn": arn("dms", "endpoint:planted"),
                 "ServerName": to.text(), "Username": to.text(), "ExtraConnectionAttributes": to.text(),
                 "EngineName": "mysql"}
            ]
        },
        "logs:DescribeMetricFilters": {
            "metricFilters": [{"filterName": "planted", "filterPattern": to.text(), "logGroupName": to.text()}]
        },
        "batch:DescribeJobQueues": WireError(400, "ClientException", to.words(3)),
    }  # fmt: skip


@dataclass
class Planting:
    """What was planted, and which operations were asked for it."""

    url: str
    plants: tuple[Plant, ...]
    answers: Mapping[str, Any]
    asked: set[str] = field(default_factory=set)


@contextmanager
def planted_account(behind: str, supply: Iterator[Plant]) -> Iterator[Planting]:
    """An address that answers planted operations itself and passes all others to the account `behind`."""
    to = Field(supply)
    answers = planted_answers(to)
    planting = Planting("", tuple(to.taken), answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def do_HEAD(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = self._named(body)
            if call is not None and call.name in answers:
                planting.asked.add(call.name)
                self._send(_answer(call, answers[call.name]))
            else:
                self._send(_passed_on(behind, self.command, self.path, dict(self.headers), body))

        def _named(self, body: bytes) -> Call | None:
            split = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept = body if headers.get("content-type", "").startswith(_PARAMETERS) else b""
            query = tuple(parse_qsl(split.query, keep_blank_values=True))
            return name_call(WireRequest(self.command, split.path, query, headers, kept))

        def _send(self, answer: WireAnswer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    planting.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield planting
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(call: Call, data: Any) -> WireAnswer:
    if isinstance(data, WireError):
        return render_error(data, call.protocol, call.service)
    return encode_answer(service_model(call.service).operation_model(call.operation), call.protocol, data)


def _passed_on(behind: str, method: str, path: str, headers: dict[str, str], body: bytes) -> WireAnswer:
    connection = http.client.HTTPConnection(behind.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, body, headers)
        found = connection.getresponse()
        content = found.read()
        kept = tuple((name, value) for name, value in found.getheaders() if name.lower() != "content-encoding")
        return WireAnswer(found.status, kept, content)
    finally:
        connection.close()


def endless() -> Iterator[Plant]:
    """Plants without end, every one with a secret of its own."""
    from planted import plants

    for _ in count():
        yield from plants()
