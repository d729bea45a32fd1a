"""How many messages a queue holds, counted without receiving any."""

from enum import StrEnum

from headway.deployment.connection import Connection


class QueueAttribute(StrEnum):
    """What SQS counts, approximately (API reference, GetQueueAttributes)."""

    WAITING = "ApproximateNumberOfMessages"
    """To be had now."""
    DELAYED = "ApproximateNumberOfMessagesDelayed"
    """To be had later."""
    IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
    """Received, and neither deleted nor visible again."""


def message_count(connection: Connection, queue_url: str, *attributes: QueueAttribute) -> int:
    """Count the messages of a queue in these states together; the waiting ones unless states are given."""
    names = attributes or (QueueAttribute.WAITING,)
    answer = connection.target.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(names))
    return sum(int(answer["Attributes"][name]) for name in names)
