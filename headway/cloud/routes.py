"""Routes of the embedded cloud that are ours, beside AWS's: what tests and proofs ask of it."""

from typing import Final

IAM_ROUTE: Final = "/_headway/iam"
"""GET tells what IAM has decided, as JSON: `allowed` and `denied`; DELETE forgets it (`strict/_decisions.py`)."""
FAULTS_ROUTE: Final = "/_headway/faults"
"""POST replaces the faults on demand, GET says how often each was met, DELETE takes them away (`faults.py`)."""
