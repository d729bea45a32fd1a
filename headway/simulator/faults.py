"""The faults a test can switch on while the simulator runs."""

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Faults:
    """What goes wrong from now on; changed by `POST /_headway/faults`, cleared by a reset."""

    down: bool = False  # every vendor route answers 503
    refuse_next: int = 0  # so many of the next submits answer 429, whatever the contract says
    retry_after_s: int = 1  # the Retry-After of those
    early_callbacks: bool = False  # the job ends, and its callbacks go out, before the submit is answered
    slow_answer_s: float = 0.0  # so much later is a submit answered, where the shape is a contract's
    slow_job_s: float = 0.0  # so much longer does a job take
    forged_copies: bool = False  # a copy signed with another secret, with a false result, comes first
    lost_callbacks: bool = False  # none is sent: the job ends, and nobody hears of it
    lost_jobs: bool = False  # polls of any job are answered 404
    no_failures: bool = False  # jobs end well, whatever the seed says, where the shape is a contract's
    duplicate_callbacks: bool = False  # what was delivered is delivered once more, under the same webhook-id
    # Shares between 0 and 1, drawn by the offer's seed, of what goes wrong where the shape is a contract's:
    early_ratio: float = 0.0  # jobs that end before their submit is answered
    lost_ratio: float = 0.0  # callbacks that are not sent
    forged_ratio: float = 0.0  # callbacks before which a forged copy comes
    duplicate_ratio: float = 0.0  # callbacks that are delivered twice
    error_ratio: float = 0.0  # submits that are answered 503, or 500 although the job was taken
    hang_ratio: float = 0.0  # submits whose job is taken, and which are not answered in time

    def update(self, changes: object) -> None:
        """Apply all of `changes`, an object of fault names, or raise ValueError naming the field and apply none."""
        if not isinstance(changes, dict):
            raise ValueError("an object of faults is required")  # noqa: TRY004 - a bad value, whatever its type
        kinds = {field.name: type(field.default) for field in fields(self)}
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"{name!r} is not a fault; known: {', '.join(kinds)}")
            if type(value) is not kinds[name]:
                raise ValueError(f"{name!r} takes a {kinds[name].__name__}")
        for name, value in changes.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Switch every fault off."""
        for field in fields(self):
            setattr(self, field.name, field.default)

    def as_json(self) -> dict[str, bool | int | float]:
        """Return the faults as JSON values."""
        return asdict(self)
