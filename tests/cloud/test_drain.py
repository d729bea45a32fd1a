"""The drain on a queue that answers a short poll with nothing, as SQS may."""

from pathlib import Path
from uuid import uuid4

from headway_lane.dispatcher.drain import receive

from tests.cloud.started import started


def test_what_waits_is_received_though_a_short_poll_might_have_missed_it(tmp_path: Path) -> None:
    with started(tmp_path, HEADWAY_SQS="seed=1 partial=1 duplicate=0 disorder=0") as cloud:
        sqs = cloud.client("sqs")
        url = sqs.create_queue(QueueName=f"requests-{uuid4().hex}")["QueueUrl"]
        for number in range(5):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
        received = receive(sqs, [url], 5)
    assert sorted(request.body for request in received) == ["0", "1", "2", "3", "4"]
