"""A delete with a receipt that was once good succeeds, as on SQS; ministack refuses it as invalid.

AWS: each receive of a message gives another receipt, and with an old one "the request will succeed, but the message
might not be deleted" (botocore: DeleteMessage); what is deleted already can be deleted again. A repeat after a lost
response meets this. FIFO queues refuse a receipt that is over, and stay as they are.
"""

from typing import Any
from uuid import UUID

from ministack.services import sqs

INVALID = "ReceiptHandleIsInvalid"


def was_given(receipt: str) -> bool:
    """Return whether it has the form of ministack's receipts; none but those have it."""
    try:
        return str(UUID(receipt)) == receipt
    except ValueError:
        return False


def apply() -> None:
    """Pass over receipts that name no message any more, for standard queues."""
    delete, delete_batch = sqs._act_delete_message, sqs._act_delete_message_batch

    def deletes_quietly(data: dict[str, Any], url: str) -> bool:
        return not sqs._get_q(data.get("QueueUrl", url), "sqs:DeleteMessage")["is_fifo"]

    def delete_or_pass_over(data: dict[str, Any], url: str) -> Any:
        try:
            return delete(data, url)
        except sqs._Err as error:
            if error.code == INVALID and deletes_quietly(data, url) and was_given(data["ReceiptHandle"]):
                return {}
            raise

    def delete_batch_or_pass_over(data: dict[str, Any], url: str) -> Any:
        answer = delete_batch(data, url)
        if answer["Failed"] and deletes_quietly(data, url):
            receipts = {entry["Id"]: entry["ReceiptHandle"] for entry in data["Entries"]}
            passed_over = [failed for failed in answer["Failed"] if was_given(receipts[failed["Id"]])]
            answer["Failed"] = [failed for failed in answer["Failed"] if failed not in passed_over]
            answer["Successful"] += [{"Id": failed["Id"]} for failed in passed_over]
        return answer

    sqs._act_delete_message = sqs._HANDLERS["DeleteMessage"] = delete_or_pass_over
    sqs._act_delete_message_batch = sqs._HANDLERS["DeleteMessageBatch"] = delete_batch_or_pass_over
