"""Small REST APIs on an embedded cloud, made by CloudFormation, and a back end that says what it heard."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from headway.deployment.target import Target

STAGE = "v"


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it heard; `X-Slow-S` makes it wait, `X-Bytes` makes the answer long, `X-Status` is its status,
    and with `X-Text` the answer is that text.
    """

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        time.sleep(float(self.headers.get("X-Slow-S", 0)))
        padding = "x" * int(self.headers.get("X-Bytes", 0))
        heard = {"headers": dict(self.headers.items()), "path": self.path, "body": sent, "padding": padding}
        body = self.headers.get("X-Text", json.dumps(heard)).encode()
        self.send_response(int(self.headers.get("X-Status", 200)))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - as its base looks for it


@contextmanager
def echo() -> Iterator[str]:
    """Serve the back end; the URL has no slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def mock(**changes: Any) -> dict[str, Any]:
    """Return a method that answers 200 by itself."""
    integration = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
        "IntegrationResponses": [{"StatusCode": "200"}],
    }
    return {
        "AuthorizationType": "NONE",
        "Integration": integration,
        "MethodResponses": [{"StatusCode": 200}],
        **changes,
    }


def proxied(url: str, *, integration: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a method that passes a POST on to `url`."""
    said = {"Type": "HTTP_PROXY", "IntegrationHttpMethod": "POST", "Uri": url, **(integration or {})}
    return {"AuthorizationType": "NONE", "Integration": said, **changes}


def deploy(
    target: Target,
    methods: Mapping[str, Mapping[str, Any]],
    *,
    settings: list[Mapping[str, Any]] | None = None,
    others: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Deploy an API with one resource `/things` and these methods, by verb; return the URL of the resource.

    `others` are resources of the template beside them; they name the API as `{"Ref": "Api"}`.
    """
    api = {"Ref": "Api"}
    resources: dict[str, Any] = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "small"}},
        "Things": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": api,
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "things",
            },
        },
        **(others or {}),
    }
    for verb, method in methods.items():
        properties = {"RestApiId": api, "ResourceId": {"Ref": "Things"}, "HttpMethod": verb, **method}
        resources[f"Method{verb}"] = {"Type": "AWS::ApiGateway::Method", "Properties": properties}
    resources["Deployment"] = {
        "Type": "AWS::ApiGateway::Deployment",
        "Properties": {"RestApiId": api},
        "DependsOn": sorted(set(resources) - {"Api", "Things"}),
    }
    stage = {
        "RestApiId": api,
        "DeploymentId": {"Ref": "Deployment"},
        "StageName": STAGE,
        "MethodSettings": settings or [],
    }
    resources["Stage"] = {"Type": "AWS::ApiGateway::Stage", "Properties": stage}
    template = {"Resources": resources, "Outputs": {"Api": {"Value": api}}}
    cloudformation = target.client("cloudformation")
    name = f"small-{uuid4().hex[:8]}"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.05})
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return f"{cloudformation.meta.endpoint_url}/_aws/execute-api/{stack['Outputs'][0]['OutputValue']}/{STAGE}/things"
