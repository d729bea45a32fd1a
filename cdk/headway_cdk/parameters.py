"""What the stacks and the embedded cloud's last step must agree on; apart from the constructs: cheap to read."""

import re
from typing import Final

from headway_lane.contract.exchange import Fetched
from headway_lane.contract.vendor import Vendor

from headway_cdk.names import pascal

EMBEDDED_URL_PARAMETER: Final = "EmbeddedCloudUrl"
PROXY_STAGE: Final = "v"


def base_url_parameter(vendor: str) -> str:
    """Name the parameter that says where a vendor is; its default is the contract's `base_url`."""
    return f"BaseUrl{pascal(vendor)}"


def poll_verbs(vendor: Vendor) -> list[str]:
    """Return the HTTP methods by which a vendor's jobs are asked about or looked up, and their results fetched."""
    got = ["GET"] if isinstance(vendor.result, Fetched) or vendor.submit.lookup else []
    return sorted({*got, *([vendor.poll.method] if vendor.poll else [])})


def granted_path(path: str) -> str:
    """Return a path of the contract as IAM sees it: a wildcard in the place of an ID, and no query."""
    return re.sub(r"\{\w+\}", "*", path.partition("?")[0])
