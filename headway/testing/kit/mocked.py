"""Machines on AWS's own engines, whose tasks are given their results: the TestState API, and Step Functions Local.

Neither has a virtual clock or a callback: a test says what each state's task ends with. TestState is asked state by
state, with `mock`, so that nothing is called; its pauses before retries are added up, and nobody waits for them. Step
Functions Local is AWS's docker image, "unsupported, no feature parity" by AWS's own words.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import boto3
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from headway.testing.kit.interpreter import REGION, ROLE_ARN, RUNNING, ExecutionOutcome
from headway.testing.kit.run import Visit, WorkflowRun, run_of
from headway.testing.kit.scripts import NotScripted, Words

IMAGE: Final = "amazon/aws-stepfunctions-local"
CASE: Final = "Test"
MOCKED: Final = frozenset({"Task", "Map", "Parallel"})
"""Kinds of state that TestState gives a result only where it is told one, or would call what they name."""
_LOCAL_PORT: Final = 8083
_LONGEST_S: Final = 60


@dataclass(frozen=True, slots=True)
class Mock:
    """What a state's task ends with: a result, or an error with its cause."""

    result: Any = None
    error: str | None = None
    cause: str = ""


Mocks = Mapping[str, Sequence[Mock]]
"""By state, one for each attempt and visit; the last holds for all that follow."""


def client() -> Any:
    """Return a client of Step Functions with the credentials that are there."""
    return boto3.client("stepfunctions")


def walk(client: Any, definition: Mapping[str, Any], given: Any, mocks: Mocks) -> WorkflowRun:
    """Take a machine through TestState, state by state, from its start to its end.

    `client` is one of `stepfunctions`. Raises NotScripted for a task without a mock, before anything is asked.
    """
    words = {state: _words(one) for state, one in mocks.items()}
    name: str | None = definition["StartAt"]
    data, variables, at_s, attempt = given, "{}", 0.0, 0
    visits: list[Visit] = []
    outputs: dict[str, Any] = {}
    while name is not None:
        if not attempt:
            visits.append(Visit(at_s, name, data))
        answer = client.test_state(
            definition=json.dumps(definition),
            stateName=name,
            input=json.dumps(data),
            variables=variables,
            inspectionLevel="DEBUG",
            stateConfiguration={"retrierRetryCount": attempt},
            **_mock(definition["States"][name], name, words),
        )
        told = answer.get("inspectionData", {})
        if answer["status"] == "RETRIABLE":
            at_s += told.get("errorDetails", {}).get("retryBackoffIntervalSeconds", 0)
            attempt += 1
            continue
        if answer["status"] == "FAILED":
            error, cause = answer.get("error"), answer.get("cause")
            return WorkflowRun("FAILED", None, error, cause, at_s, visits, outputs, [])
        data = outputs[name] = json.loads(answer["output"])
        variables, attempt = told.get("variables", variables), 0
        name = answer.get("nextState")
    return WorkflowRun("SUCCEEDED", data, None, None, at_s, visits, outputs, [])


def mock_config(machine: str, mocks: Mocks) -> Mapping[str, Any]:
    """Return the mocks as MockConfigFile.json of Step Functions Local, as its test case `Test`."""
    responses = {
        state: {
            str(number) if number < len(each) - 1 else f"{number}-{number + 99}": _response(mock)
            for number, mock in enumerate(each)
        }
        for state, each in mocks.items()
    }
    cases = {machine: {"TestCases": {CASE: {state: state for state in mocks}}}}
    return {"StateMachines": cases, "MockedResponses": responses}


def reason_against_local() -> str | None:
    """Return why Step Functions Local cannot run here; None where it can."""
    docker = shutil.which("docker")
    if docker is None:
        return f"there is no docker, which {IMAGE} needs"
    answers = subprocess.run([docker, "info"], check=False, capture_output=True).returncode == 0  # noqa: S603
    return None if answers else f"docker does not answer, which {IMAGE} needs: `docker info` says why"


def reason_against_test_state() -> str | None:
    """Return why TestState cannot be asked; None where there are credentials and a region."""
    session = boto3.Session()
    if session.get_credentials() is None:
        return "there are no AWS credentials, which the TestState API needs"
    return None if session.region_name else "no region is set (AWS_REGION), which the TestState API needs"


def run_locally(machine: str, definition: Mapping[str, Any], given: Any, mocks: Mocks) -> WorkflowRun:
    """Run a machine on Step Functions Local, in a container that is gone afterwards."""
    with _container(mock_config(machine, mocks)) as url:
        client: Any = boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - of nobody's
        )
        asking = Retrying(retry=retry_if_exception_type(), stop=stop_after_delay(_LONGEST_S), wait=wait_fixed(0.5))
        text = json.dumps(definition)
        arn = asking(client.create_state_machine, name=machine, definition=text, roleArn=ROLE_ARN)["stateMachineArn"]
        started = client.start_execution(stateMachineArn=f"{arn}#{CASE}", input=json.dumps(given))["executionArn"]
        found = Retrying(
            retry=retry_if_result(lambda found: found["status"] == RUNNING),
            stop=stop_after_delay(_LONGEST_S),
            wait=wait_fixed(0.2),
        )(client.describe_execution, executionArn=started)
        history = client.get_execution_history(executionArn=started, maxResults=1_000)["events"]
    output = json.loads(found["output"]) if "output" in found else None
    outcome = ExecutionOutcome(found["status"], output, found.get("error"), found.get("cause"), found.get("stopDate"))
    return run_of(outcome, history, [])


@contextmanager
def _container(config: Mapping[str, Any]) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        Path(folder, "mocks.json").write_text(json.dumps(config))
        words = ["run", "--detach", "--rm", "--publish", f"127.0.0.1::{_LOCAL_PORT}", "--volume", f"{folder}:/mocks:ro"]
        started = _docker(*words, "--env", "SFN_MOCK_CONFIG=/mocks/mocks.json", IMAGE)
        try:
            yield f"http://{_docker('port', started, str(_LOCAL_PORT)).splitlines()[0]}"
        finally:
            _docker("kill", started)


def _docker(*words: str) -> str:
    return subprocess.run(  # noqa: S603 - our own words
        [str(shutil.which("docker")), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def _words(mocks: Sequence[Mock]) -> Words[Mock]:
    words: Words[Mock] = Words()
    for mock in mocks:
        words.add(mock)
    return words


def _mock(state: Mapping[str, Any], name: str, words: Mapping[str, Words[Mock]]) -> Mapping[str, Any]:
    """Return the argument `mock` for a state that would call something, and nothing for others."""
    if state["Type"] not in MOCKED:
        return {}
    if not words.get(name):
        advice = f'{{"{name}": [Mock(...)]}}'
        raise NotScripted(f"state {name} has no mock, and TestState would call what it names: {advice}")
    mock = words[name].take()
    if mock.error is None:
        return {"mock": {"result": json.dumps(mock.result)}}
    return {"mock": {"errorOutput": {"error": mock.error, "cause": mock.cause}}}


def _response(mock: Mock) -> Mapping[str, Any]:
    if mock.error is None:
        return {"Return": mock.result}
    return {"Throw": {"Error": mock.error, "Cause": mock.cause}}
