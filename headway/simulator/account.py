"""What a vendor knows of its customer without being told with each call."""

from dataclasses import dataclass


@dataclass(slots=True)
class Account:
    """Where to call back, for vendors that are not told with the submit; None as long as nobody has said so."""

    callback_url: str | None = None
