"""`apigateway:invoke` in a machine calls an API of this cloud; ministack has no such task.

The request goes to the cloud's own port like anybody's, so that the gateway authorizes, throttles and answers it: what
is `<id>.execute-api.<region>.amazonaws.com` on AWS is `/_aws/execute-api/<id>` here. Arguments, result and errors:
"Create API Gateway REST APIs with Step Functions" in the Step Functions guide, and the histories that LocalStack
recorded on AWS (`test_apigetway_task_service.snapshot.json`). HTTP has lost the casing of the answer's headers here:
they are written as most of the recorded ones are.

Whose signature a request has is the seam `credentials_of`.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core.responses import get_account_id
from ministack.services import stepfunctions as sfn

TASK: Final = "arn:aws:states:::apigateway:invoke"
NO_AUTH: Final = "NO_AUTH"
IAM_ROLE: Final = "IAM_ROLE"
AUTH_TYPES: Final = (NO_AUTH, IAM_ROLE, "RESOURCE_POLICY")
ENDPOINT: Final = re.compile(r"([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
WITH_BODY: Final = ("PATCH", "POST", "PUT")
FORBIDDEN: Final = re.compile(
    r"x-forwarded.*|x-amz.*|authorization|connection|content-md5|expect|host|max-forwards|proxy-authenticate|server|te"
    r"|transfer-encoding|trailer|upgrade|via|www-authenticate",
    re.IGNORECASE,
)
"""Headers that a task may not set."""
PATIENCE_S: Final = 60.0
"""Beyond the gateway's own: it answers after 29 s at most."""


def credentials_of(auth_type: str, arn: str) -> Credentials | None:
    """Seam: return whose signature a request for the method `arn` has, None for none: here the account's own key."""
    del arn
    own = Credentials(os.environ.get("AWS_ACCESS_KEY_ID", "test"), os.environ.get("AWS_SECRET_ACCESS_KEY", "test"))
    return None if auth_type == NO_AUTH else own


def invoke(resource: str, given: Any) -> dict[str, Any]:
    """Make a task's call; return its result, or raise the task's error."""
    del resource
    arguments: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    api_id, region = _endpoint(arguments)
    method = _one_of("Method", arguments.get("Method"), METHODS)
    auth_type = _one_of("AuthType", arguments.get("AuthType", NO_AUTH), AUTH_TYPES)
    stage, path = str(arguments.get("Stage", "")), str(arguments.get("Path", "")).lstrip("/")
    request = _client().build_request(
        method,
        f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/{api_id}/{stage}/{path}",
        params=tuple(_listed("QueryParameters", arguments)) or None,
        **_sent(method, arguments),
    )
    arn = f"arn:aws:execute-api:{region}:{get_account_id()}:{api_id}/{stage}/{method}/{path}"
    if (credentials := credentials_of(auth_type, arn)) is not None:
        _sign(request, credentials, region)
    try:
        answer = _client().send(request)
    except httpx.HTTPError as error:
        raise sfn._ExecutionError(f"ApiGateway.{type(error).__name__}", str(error)) from error
    if not answer.is_success:
        raise sfn._ExecutionError(f"ApiGateway.{answer.status_code}", answer.text)
    return _result(answer)


@cache
def _client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=PATIENCE_S, limits=httpx.Limits(max_connections=None))


def _endpoint(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return ID and region of the API that is named."""
    found = ENDPOINT.fullmatch(str(arguments.get("ApiEndpoint")))
    if found is None:
        raise _malformed(_invalid("ApiEndpoint"))
    return found[1], found[2]


def _one_of(field: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise _malformed(_invalid(field))
    return str(value)


def _listed(field: str, arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of a field whose values are lists, a pair for each."""
    given = arguments.get(field) or {}
    if not isinstance(given, Mapping) or not all(isinstance(values, list) for values in given.values()):
        raise _malformed(_invalid(field))
    return [(name, str(value)) for name, values in given.items() for value in values]


def _sent(method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return headers and content of the request. A body is JSON, a text too; null is none."""
    headers = _listed("Headers", arguments)
    if unsupported := sorted({name.lower() for name, _ in headers if FORBIDDEN.fullmatch(name)}):
        raise _malformed(f"The 'Headers' field contains unsupported values: [{', '.join(unsupported)}]")
    body = arguments.get("RequestBody")
    if body is None or method not in WITH_BODY:
        return {"headers": headers}
    if not arguments.get("AllowNullValues", False):
        body = _without_nulls(body)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return {"headers": headers, "content": content}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _sign(request: httpx.Request, credentials: Credentials, region: str) -> None:
    named = {name: request.headers[name] for name in ("host", "content-type") if name in request.headers}
    signed = AWSRequest(method=request.method, url=str(request.url), data=request.content, headers=named)
    SigV4Auth(credentials, "execute-api", region).add_auth(signed)
    for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
        if name in signed.headers:
            request.headers[name] = signed.headers[name]


def _result(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    return {
        "Headers": {name.title(): answer.headers.get_list(name) for name in answer.headers},
        "ResponseBody": body,
        "StatusCode": answer.status_code,
        "StatusText": answer.reason_phrase,
    }


def _invalid(field: str) -> str:
    return f"The value of the field '{field}' has an invalid format"


def _malformed(why: str) -> Exception:
    words = f"The Parameters could not be used to start the Task: [{why}]"
    problem: Exception = sfn._ExecutionError("States.Runtime", words)
    return problem


def apply() -> None:
    """Give machines the task."""
    sfn._SERVICE_DISPATCH[TASK] = invoke
