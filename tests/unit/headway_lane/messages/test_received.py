"""A message as it came out of its queue: the same, whichever way it was received."""

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from headway_lane.messages.origin import Origin
from headway_lane.messages.received import ASKED_ATTRIBUTES, Received

from tests.unit.headway_lane.fakes import NOW_MS, FakeSqs, request_body, sqs_record

URGENT, REQUESTS = "https://sqs.example/urgent", "https://sqs.example/requests"
BODY = request_body()


def by_mapping(group: str | None) -> Received:
    record = sqs_record(BODY)
    record["attributes"] |= {"MessageGroupId": group} if group else {}
    return Received.of_record(SQSRecord(record), [URGENT, REQUESTS])


def by_receive(group: str | None) -> Received:
    sqs = FakeSqs(BODY)
    sqs.groups = {"receipt-1": group} if group else {}
    answer = sqs.receive_message(QueueUrl=REQUESTS, MessageSystemAttributeNames=list(ASKED_ATTRIBUTES))
    return Received.of_message(REQUESTS, answer["Messages"][0])


@pytest.mark.parametrize(("group", "tenant"), [("tenant-1", "tenant-1"), (None, "")])
def test_a_message_knows_its_queue_its_tenant_and_when_it_was_sent(group: str | None, tenant: str) -> None:
    mapped, taken = by_mapping(group), by_receive(group)
    assert mapped == Received(BODY, Origin(REQUESTS, group), NOW_MS / 1_000)
    assert taken == Received(BODY, Origin(REQUESTS, group), NOW_MS / 1_000, "receipt-1")
    assert mapped.tenant == taken.tenant == tenant


def test_only_who_receives_has_to_delete() -> None:
    assert (by_mapping(None).receipt, by_receive(None).receipt) == ("", "receipt-1")
