"""Queues tell CloudWatch how much waits in them, how long, and what comes and goes; those of ministack tell nothing.

AWS/SQS with the dimension QueueName, once a minute (SQS developer guide, "Available CloudWatch metrics for Amazon
SQS"). What a redrive policy moves to a dead-letter queue is not counted as sent, and is as old there as its stay. A
message of a standard queue that was received three times is left out of the age.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import sqs

from headway.cloud.strict._minutes import MINUTES

NAMESPACE: Final = "AWS/SQS"
POISONOUS_RECEIVES_COUNT: Final = 3
"""Received as often and still there, a message is no longer in ApproximateAgeOfOldestMessage."""


def age_s(messages: Iterable[Mapping[str, Any]], now_s: float, *, fifo: bool = False) -> float | None:
    """Return how long the oldest message waits, of ministack's; None where none counts."""
    since = [_since_s(each) for each in messages if fifo or _moved(each) or not _poisonous(each)]
    return max(0.0, now_s - min(since)) if since else None


def _poisonous(message: Mapping[str, Any]) -> bool:
    return bool(message.get("receive_count", 0) >= POISONOUS_RECEIVES_COUNT)


def _moved(message: Mapping[str, Any]) -> bool:
    """Whether it came to a dead-letter queue and was not received there: only then ministack knows its time."""
    return message.get("receipt_handle") is None and "DeadLetterQueueSourceArn" in message.get("sys", {})


def _since_s(message: Mapping[str, Any]) -> float:
    return float(message["visible_at"] if _moved(message) else message["sent_at"])


def _sample(now_s: float) -> None:
    for (account, region, _), queue in list(sqs._queues._data.items()):
        with request_scope(account, region):
            sqs._refresh_counts(queue)
            counts = queue["attributes"]
            for metric, attribute in (
                ("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessages"),
                ("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesNotVisible"),
                ("ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesDelayed"),
            ):
                _tell(queue, metric, float(counts[attribute]))
            age = age_s(list(queue["messages"]), now_s, fifo=queue["is_fifo"])
            if age is not None:
                _tell(queue, "ApproximateAgeOfOldestMessage", age, "Seconds")


def _tell(queue: Mapping[str, Any], metric: str, value: float, unit: str = "Count") -> None:
    MINUTES.count(NAMESPACE, metric, {"QueueName": queue["name"]}, value, unit)


def _sent(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_counted(data: dict[str, Any], url: str) -> Any:
        sent = send(data, url)
        queue = sqs._get_q(data.get("QueueUrl", url))
        _tell(queue, "NumberOfMessagesSent", 1)
        _tell(queue, "SentMessageSize", len(str(data.get("MessageBody", "")).encode()), "Bytes")
        return sent

    return send_counted


def _deleted(delete: Callable[..., Any]) -> Callable[..., Any]:
    def delete_counted(data: dict[str, Any], url: str) -> Any:
        answer = delete(data, url)
        count = len(answer["Successful"]) if "Successful" in answer else 1
        if count:
            _tell(sqs._get_q(data.get("QueueUrl", url)), "NumberOfMessagesDeleted", count)
        return answer

    return delete_counted


def _count_action(action: str, function: str, counted: Callable[..., Any]) -> None:
    """Count an action of the API, and the function that does it for others; another refusal may stand before one."""
    inner, outer = getattr(sqs, function), sqs._HANDLERS[action]
    setattr(sqs, function, counted(inner))
    sqs._HANDLERS[action] = getattr(sqs, function) if outer is inner else counted(outer)


def apply() -> None:
    """Count what is sent, received and deleted by every way, and look once a minute at what waits."""
    collect, delete_for_mapping = sqs._collect_msgs, sqs._delete_messages_for_esm

    def collect_counted(queue: dict[str, Any], count: int, visibility_s: int) -> Any:
        received = collect(queue, count, visibility_s)
        if received:
            _tell(queue, "NumberOfMessagesReceived", len(received))
        return received

    def delete_for_mapping_counted(url: str, handles: set[str]) -> None:
        delete_for_mapping(url, handles)
        if handles:
            _tell(sqs._get_q(url), "NumberOfMessagesDeleted", len(handles))

    _count_action("SendMessage", "_act_send_message", _sent)
    _count_action("DeleteMessage", "_act_delete_message", _deleted)
    _count_action("DeleteMessageBatch", "_act_delete_message_batch", _deleted)
    sqs._collect_msgs = collect_counted
    sqs._delete_messages_for_esm = delete_for_mapping_counted
    MINUTES.samplers.append(_sample)
    MINUTES.tick()
