"""Contract and tuning as AppConfig serves them, read through Powertools and cached for seconds.

The AppConfig environment is the vendor, so that one vendor's change never waits for another's deployment.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from aws_lambda_powertools.utilities.parameters import AppConfigProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime import clock
from headway_lane.runtime.errors import RetryLater
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, Metric
from headway_lane.runtime.observability import logger, publish

CONTRACT_MAX_AGE_S: Final = 60
TUNING_MAX_AGE_S: Final = 5
"""A changed delay is in force within this many seconds of its deployment reaching the function."""
SILENCE_S: Final = 5
"""Pause before AppConfig is asked again once it did not answer, where what it said before still holds."""
TUNING_RETRY_S: Final = 15
"""A call waits as long in its queue where no tuning is known: a first roll-out takes minutes, its steps one."""


class Profiles(Protocol):
    """Where contract and tuning come from."""

    def vendor(self, name: str) -> Vendor:
        """Return the contract of a vendor."""
        ...

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the operator's tuning of a vendor. TuningUnknown where nobody knows it."""
        ...


UNREADABLE: Final = (GetParameterError, TransformParameterError, KeyError, TypeError, ValueError, AttributeError)
"""AppConfig does not answer, or says what is no JSON, or no document of ours."""
T = TypeVar("T")


class Unread(Exception):  # noqa: N818 - named by what has happened
    """AppConfig has never said anything that can be read."""


class TuningUnknown(RetryLater):
    """Nobody knows the pace that the operator wants: no call leaves at the contract's in its place."""


class AppConfigProfiles:
    """Profiles from AWS AppConfig; one provider per vendor, kept for the life of the worker.

    What was read last holds while AppConfig does not answer, or says what nobody can read, however long: an operator's
    pace is never dropped because of that. It is counted, and AppConfig is then asked again after SILENCE_S at the
    earliest, in a session of its own, for the token of the call that failed may be used.
    """

    def __init__(self, application: str, epoch_s: Callable[[], float] = clock.epoch_s) -> None:
        self._application = application
        self._epoch_s = epoch_s
        self._providers: dict[str, AppConfigProvider] = {}
        self._known: dict[str, tuple[Any, Any]] = {}
        self._silent_until_s: dict[str, float] = {}

    def vendor(self, name: str) -> Vendor:
        """Return the contract of a vendor; Unread where AppConfig has never given one."""
        return self._profile(name, CONTRACT_PROFILE, CONTRACT_MAX_AGE_S, Vendor.from_document)

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the tuning in force. TuningUnknown where AppConfig has never given one, also because the first gradual
        deployment has not reached this session: every vendor of a stack has one.
        """
        try:
            return self._profile(vendor.name, TUNING_PROFILE, TUNING_MAX_AGE_S, Tuning.from_document)
        except Unread as error:
            raise TuningUnknown(str(error), retry_after_s=TUNING_RETRY_S) from error

    def _profile(self, vendor: str, profile: str, max_age_s: int, parse: Callable[[Mapping[str, Any]], T]) -> T:
        """Return what a profile says, parsed anew only where it says something else. Raises Unread."""
        name = f"{vendor}/{profile}"
        if self._epoch_s() >= self._silent_until_s.get(name, 0):
            try:
                document = self._read(vendor, profile, max_age_s)
                if name not in self._known or self._known[name][0] is not document:
                    self._known[name] = document, parse(document)
            except UNREADABLE as error:
                self._providers.pop(vendor, None)
                self._note(vendor, name, error)
                if name not in self._known:
                    raise Unread(
                        f"AppConfig has not told the {profile} of {vendor} ({type(error).__name__})"
                    ) from error
                self._silent_until_s[name] = self._epoch_s() + SILENCE_S
        known: T = self._known[name][1]
        return known

    def _note(self, vendor: str, name: str, error: Exception) -> None:
        logger().warning("configuration unread", profile=name, error_type=type(error).__name__)
        publish(vendor, Counter({Metric.CONFIGURATIONS_UNREAD: 1}))

    def _read(self, vendor: str, profile: str, max_age_s: int) -> Mapping[str, Any]:
        provider = self._providers.get(vendor)
        if provider is None:
            provider = self._providers[vendor] = AppConfigProvider(environment=vendor, application=self._application)
        document: Any = provider.get(profile, transform="json", max_age=max_age_s)
        if not isinstance(document, Mapping):
            raise GetParameterError(f"AppConfig has no {profile} for {vendor} yet")
        return document
