"""Says whether a notification can be sent. It stands for the validation service that an office has in a container: a
function from a container image takes the same event.
"""

from email.utils import parseaddr
from typing import Any

LONGEST_SUBJECT = 200


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Return `valid` and, where it is not, the `reason`."""
    reason = problem(event)
    return {"valid": not reason, "reason": reason}


def problem(notification: dict[str, Any]) -> str:
    """Return what is wrong with a notification, empty where nothing is."""
    mailbox, _, domain = parseaddr(notification["to"])[1].rpartition("@")
    if not mailbox or "." not in domain:
        return "to: no mail address"
    if len(notification["subject"]) > LONGEST_SUBJECT:
        return f"subject: longer than {LONGEST_SUBJECT} characters"
    return ""
