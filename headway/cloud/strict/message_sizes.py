"""SQS counts a message with its attributes: name, type and value of each. ministack counts the body alone.

AWS: 1 MiB for a message, and for a batch, since August 2025 (botocore: SendMessage, SendMessageBatch); "the Name, Type,
Value and message body must not be empty"; ten attributes ("Amazon SQS message attributes" and "Amazon SQS message
quotas", SQS developer guide). The sending functions are wrapped: machines and API Gateway send through them, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.services import sqs

MESSAGE_BYTES: Final = 1_048_576
"""The most of a message or of a batch (botocore: `SendMessageRequest.MessageBody`, SendMessageBatch)."""
ATTRIBUTES_COUNT: Final = 10

Attributes = Mapping[str, Mapping[str, Any]]


def size_bytes(body: str, attributes: Attributes) -> int:
    """Return what SQS counts of a message, its strings in UTF-8; binary values are base64 in `attributes`."""
    return len(body.encode()) + sum(_attribute_bytes(name, attribute) for name, attribute in attributes.items())


def problem(body: str, attributes: Attributes, limit_bytes: int) -> str | None:
    """Return why SQS refuses a message, in its words, or None."""
    if len(attributes) > ATTRIBUTES_COUNT:
        return f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{ATTRIBUTES_COUNT}]."
    for name, attribute in attributes.items():
        kind = attribute.get("DataType", "")
        if not kind:
            return f"Message (user) attribute '{name}' must contain a non-empty attribute type."
        if not _value(attribute):
            return f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
    if size_bytes(body, attributes) > limit_bytes:
        return f"One or more parameters are invalid. Reason: Message must be shorter than {limit_bytes} bytes."
    return None


def _value(attribute: Mapping[str, Any]) -> str:
    return str(attribute.get("StringValue") or attribute.get("BinaryValue") or "")


def _attribute_bytes(name: str, attribute: Mapping[str, Any]) -> int:
    value = _value(attribute)
    binary = not attribute.get("StringValue")
    value_bytes = len(value) * 3 // 4 - value[-2:].count("=") if binary else len(value.encode())
    return len(name.encode()) + len(str(attribute.get("DataType", "")).encode()) + value_bytes


def _body(message: Mapping[str, Any]) -> str:
    body = message.get("MessageBody") or ""
    return "" if sqs._INVALID_SQS_CHARS_RE.search(body) else body  # half a surrogate has no bytes; it is refused anyway


def apply() -> None:
    """Check each message, and the sum of a batch, before ministack takes it."""
    send, send_batch = sqs._act_send_message, sqs._act_send_message_batch

    def send_checked(data: dict[str, Any], url: str) -> Any:
        if attributes := data.get("MessageAttributes"):
            queue = sqs._get_q(data.get("QueueUrl", url), "sqs:SendMessage")
            limit_bytes = int(queue["attributes"].get("MaximumMessageSize", MESSAGE_BYTES))
            if reason := problem(_body(data), attributes, limit_bytes):
                raise sqs._Err("InvalidParameterValue", reason)
        return send(data, url)

    def send_batch_checked(data: dict[str, Any], url: str) -> Any:
        sent_bytes = sum(
            size_bytes(_body(entry), entry.get("MessageAttributes") or {}) for entry in data.get("Entries", [])
        )
        if sent_bytes > MESSAGE_BYTES:
            raise sqs._Err(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {MESSAGE_BYTES} bytes. You have sent {sent_bytes} bytes.",
            )
        return send_batch(data, url)

    sqs._act_send_message = sqs._HANDLERS["SendMessage"] = send_checked
    sqs._act_send_message_batch = sqs._HANDLERS["SendMessageBatch"] = send_batch_checked
