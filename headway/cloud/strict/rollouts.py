"""A gradual roll-out takes its time, also one of CloudFormation, and a session polls no sooner than it said.

ministack has AppConfig's steps by API: a fleet sees two versions, each session in one direction, until all have the new
one. These lack. CloudFormation's deployments are complete at once by any strategy, and begin while another runs, which
AppConfig refuses (StartDeployment: ConflictException). Here such a stack fails, and a deployment goes its steps; the
stack does not wait for them. GetLatestConfiguration before RequiredMinimumPollIntervalInSeconds has passed is a
BadRequestException with PollIntervalNotSatisfied (model of AppConfigData). Tokens are good for a day, and once.

HEADWAY_ROLLOUT_MINUTE_S makes a minute of a strategy shorter, for tests only.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import appconfig
from ministack.services.cloudformation import provisioners

MINUTE_VARIABLE: Final = "HEADWAY_ROLLOUT_MINUTE_S"
TOKEN_LIFE_S: Final = 86_400
"""Model of AppConfigData, `NextPollConfigurationToken`: valid for up to 24 hours."""
MADE: Final = "headway_made_at_s"
"""Key of a session of ministack: when its token was given out."""


def problem_of(session: Mapping[str, Any], now_s: float) -> str | None:
    """Return why a token is refused, by the model's `InvalidParameterProblem`; None where it is good."""
    made_s = session.get(MADE)
    if made_s is None:
        return None  # the session's first
    if now_s - made_s > TOKEN_LIFE_S:
        return "Expired"
    # The interval of a session that set none is advice.
    if session.get("Required") and now_s - made_s < session["PollIntervalInSeconds"]:
        return "PollIntervalNotSatisfied"
    return None


def _refusal(problem: str) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = appconfig._error(
        400, "BadRequestException", f"The configuration token is refused: {problem}"
    )
    details = {"InvalidParameters": {"ConfigurationToken": {"Problem": problem}}}
    return status, headers, json.dumps({**json.loads(body), "Reason": "InvalidParameters", "Details": details}).encode()


def _keep_intervals() -> None:
    start, latest = appconfig._start_configuration_session, appconfig._get_latest_configuration

    def start_noted(body: Mapping[str, Any]) -> Any:
        answer = start(body)
        if answer[0] == 201:
            token = json.loads(answer[2])["InitialConfigurationToken"]
            appconfig._sessions[token]["Required"] = "RequiredMinimumPollIntervalInSeconds" in body
        return answer

    def latest_noted(token: str) -> Any:
        session, now_s = appconfig._sessions.get(token), time.time()
        problem = problem_of(session, now_s) if session else None
        if problem:
            return _refusal(problem)
        answer = latest(token)
        if answer[0] == 200:
            appconfig._sessions[answer[1]["Next-Poll-Configuration-Token"]][MADE] = now_s
        return answer

    appconfig._start_configuration_session = start_noted
    appconfig._get_latest_configuration = latest_noted


def _roll_stacks_out() -> None:
    deployment = provisioners._RESOURCE_HANDLERS["AWS::AppConfig::Deployment"]
    create = deployment["create"]

    def create_gradually(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        application, environment = properties.get("ApplicationId"), properties.get("EnvironmentId")
        for known in appconfig._refresh_environment(application, environment):
            if known["State"] in appconfig._IN_PROGRESS_STATES:
                raise ValueError(
                    f"ConflictException: deployment {known['DeploymentNumber']} is already in progress in environment "
                    f"{environment}"
                )
        number, attributes = create(logical_id, properties, stack_name)
        record = appconfig._deployments[f"{application}/{environment}/{number}"]
        now_s = time.time()
        record.update(State="DEPLOYING", PercentageComplete=0.0, StartedAt=appconfig._iso(now_s), _StartedEpoch=now_s)
        record.pop("CompletedAt", None)
        appconfig._refresh_environment(application, environment)
        return number, {**attributes, "State": record["State"]}

    deployment["create"] = create_gradually


def apply() -> None:
    """Let stacks roll out by their strategy, and sessions keep the interval that they asked for."""
    minute_s = os.environ.get(MINUTE_VARIABLE)
    if minute_s:
        appconfig._DEPLOYMENT_MINUTE_SECONDS = float(minute_s)
    _keep_intervals()
    _roll_stacks_out()
