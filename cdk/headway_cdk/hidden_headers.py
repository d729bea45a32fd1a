"""What the proxy keeps from the vendor: apart from the construct, whose import starts Node."""

from collections.abc import Mapping
from typing import Final

from headway_lane.runtime.names import CREDENTIAL_HEADER

HIDDEN: Final[Mapping[str, str]] = {
    f"integration.request.header.{name}": "'none'"
    for name in ("X-Amz-Security-Token", "X-Amz-Date", "X-Amz-Content-Sha256", CREDENTIAL_HEADER)
}
"""Overwritten on the way to the vendor: nothing says that API Gateway drops our role's session token, or what else
SigV4 adds; it does drop `Authorization` ("Amazon API Gateway important notes"). The credential goes on in the vendor's
header alone, which the vendor's logs know to leave out.
"""
