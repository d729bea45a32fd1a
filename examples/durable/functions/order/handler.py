"""Orders a picture and waits for it: one durable function, whose two callbacks Headway's lane of Replicate ends.

In: `{"order": "...", "prompt": "..."}`. Out: the order with the vendor's output, or with the name of what went wrong.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_durable_execution_sdk_python import CallbackError, DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig

VENDOR = "replicate"


@durable_execution
def handle(event: Mapping[str, Any], context: DurableContext) -> dict[str, Any]:
    """Ask for the picture, fetch it, and return the order as it ended."""
    payload = {"input": {"prompt": event["prompt"]}}
    try:
        job = ask_vendor(context, "CallVendor", payload)
        result = fetch_result(context, "FetchResult", job)
    except CallbackError as error:  # `data` is the error's name, or nothing where a callback timed out
        return {"order": event["order"], "error": error.data or "States.Timeout", "cause": str(error)}
    return {"order": event["order"], "job_id": job["job_id"], "output": result["result"].get("output")}


def ask_vendor(context: DurableContext, name: str, payload: Mapping[str, Any], item: int | None = None) -> Any:
    """Call the vendor; return `call_id`, `job_id` and `status` when its job has ended.

    `name` tells the calls of an execution apart, and `item` those of a map: what is asked for under the same name again
    is another attempt at the same call, which takes over what the vendor has of it.
    """
    execution = context.execution_context.durable_execution_arn
    call = {"machine": execution.partition("/durable-execution/")[0], "execution": execution, "state": name}
    asked = {"call": call if item is None else {**call, "item": item}, "payload": payload}
    return _wait(context, name, "RequestQueueUrl", asked, group="orders", waits="Call")


def fetch_result(context: DurableContext, name: str, job: Mapping[str, str]) -> Any:
    """Fetch the result of a job that has ended; return it in `result`."""
    asked = {"kind": "fetch", **{field: job[field] for field in ("call_id", "job_id", "status")}}
    return _wait(context, name, "ResultsQueueUrl", asked, group=None, waits="Fetch")


def _wait(
    context: DurableContext, name: str, queue: str, asked: Mapping[str, Any], *, group: str | None, waits: str
) -> Any:
    """Put a message with a callback ID into a queue of the lane, and wait until the lane ends the callback.

    The step that sends may be repeated: the same callback ID is the same attempt, so nothing is asked for twice.
    """

    def send(callback_id: str, _: object) -> None:
        vendor = {"vendor": VENDOR} if "payload" in asked else {}
        body = {"format_version": 2, **vendor, **asked, "callback_id": callback_id}
        tenant = {"MessageGroupId": group} if group else {}
        sqs().send_message(QueueUrl=_of_lane(queue), MessageBody=json.dumps(body, ensure_ascii=False), **tenant)

    limits = WaitForCallbackConfig(
        timeout=Duration.from_seconds(int(_of_lane(f"{waits}TimeoutSeconds"))),
        heartbeat_timeout=Duration.from_seconds(int(_of_lane(f"{waits}HeartbeatSeconds"))),
    )
    return json.loads(context.wait_for_callback(send, name, limits))


def _of_lane(name: str) -> str:
    """Return what the lane's placeholder of this name stands for."""
    return os.environ[f"Replicate{name}"]


@cache
def sqs() -> Any:
    """Return the SQS client."""
    return boto3.client("sqs")
