"""Routes of the embedded cloud that are ours, not AWS's."""

from typing import Final

IAM_ROUTE: Final = "/_headway/iam"
"""GET tells what IAM has decided, as JSON: `allowed` and `denied`; DELETE forgets it (`strict/_decisions.py`)."""
