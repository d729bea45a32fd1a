"""The plain reference's three functions: dispatch a batch, call the vendor, take its callback.

Nothing else of Headway is in them: no ledger, no permits, no signature, no second attempt but those of AWS.
"""

import json
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
import httpx

VENDOR_TIMEOUT_S = 10
MS_PER_S = 1_000


def dispatch(event: Mapping[str, Any], _context: object) -> None:
    """Start an Express execution for each message of a batch, and pause before each."""
    for record in event["Records"]:
        time.sleep(int(os.environ["DELAY_MS"]) / MS_PER_S)
        step_functions().start_execution(stateMachineArn=os.environ["CALL_MACHINE_ARN"], input=record["body"])


def call(request: Mapping[str, Any], _context: object) -> None:
    """Submit the payload of `{"payload", "task_token"}`, and put down which task waits for the vendor's job.

    Raises httpx.HTTPError where the vendor does not take it.
    """
    order = {**request["payload"], "webhook": os.environ["WEBHOOK_URL"], "webhook_events_filter": ["completed"]}
    credential = {"Authorization": f"Bearer {os.environ['VENDOR_TOKEN']}"}
    answer = http().post(f"{os.environ['PROXY_URL']}/v1/predictions", json=order, headers=credential)
    answer.raise_for_status()
    jobs().put_item(Item={"job_id": answer.json()["id"], "task_token": request["task_token"]})


def take_callback(event: Mapping[str, Any], _context: object) -> Mapping[str, Any]:
    """Resume the task of a job that has ended; 503 where it is not known yet, so that the vendor calls back again."""
    job = json.loads(event["body"])
    known = jobs().get_item(Key={"job_id": job["id"]}).get("Item")
    if known is None:
        return {"statusCode": 503}
    step_functions().send_task_success(taskToken=known["task_token"], output=json.dumps(job))
    return {"statusCode": 202}


@cache
def step_functions() -> Any:
    """Return the worker's client of Step Functions."""
    return boto3.client("stepfunctions")


@cache
def jobs() -> Any:
    """Return the worker's table of jobs."""
    return boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


@cache
def http() -> httpx.Client:
    """Return the worker's HTTP client."""
    return httpx.Client(timeout=VENDOR_TIMEOUT_S)
