"""Which section of the runbooks an alarm leads to: apart from the construct, whose import starts Node."""

from collections.abc import Mapping
from typing import Final

RUNBOOKS: Final = "docs/operations.md"
SECTIONS: Final[Mapping[str, str]] = {
    "Depth": "backlog-too-large",
    "Age": "backlog-too-large",
    "UrgentDepth": "backlog-too-large",
    "UrgentAge": "backlog-too-large",
    "CallsExpired": "backlog-too-large",
    "RequestDlq": "dead-letters",
    "CallVendorTimedOut": "stuck-workflow",
    "DispatchCallTimedOut": "stuck-workflow",
    "CallbackAge": "callbacks-are-not-processed",
    "CallbacksUnready": "callbacks-are-not-processed",
    "CallbacksForged": "forged-callbacks",
    "CallbacksMalformed": "vendor-changed-its-contract",
    "CallsDoubtful": "calls-in-doubt",
    "CoolDownsHttp429": "429-without-a-word",
    "DayCapped": "cap-of-the-day",
    "ConfigurationsUnread": "configuration-not-readable",
}
"""Alarm -> section, as its heading is linked."""


def runbook_of(alarm: str) -> str:
    """Return where it stands what to do when an alarm rings."""
    return f"{RUNBOOKS}#{SECTIONS[alarm]}"
