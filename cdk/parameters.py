"""Names of the stacks' parameters and parts of logical IDs; apart from the constructs: cheap to read."""

from typing import Final

EMBEDDED_URL_PARAMETER: Final = "EmbeddedCloudUrl"


def logical_name(vendor: str) -> str:
    """Turn a vendor's name into a part of logical IDs: `assembly-ai` -> `AssemblyAi`."""
    return "".join(part.capitalize() for part in vendor.split("-"))


def base_url_parameter(vendor: str) -> str:
    """Name the parameter that says where a vendor is; its default is the contract's `base_url`."""
    return f"BaseUrl{logical_name(vendor)}"
