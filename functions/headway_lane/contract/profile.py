"""Contract and tuning as AppConfig serves them, read through Powertools and cached for seconds.

The AppConfig environment is the vendor, so that one vendor's change never waits for another's deployment.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aws_lambda_powertools.utilities.parameters import AppConfigProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime import clock
from headway_lane.runtime.errors import RetryLater
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE
from headway_lane.runtime.observability import logger

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


class TuningUnknown(RetryLater):
    """Nobody knows the pace that the operator wants: no call leaves at the contract's in its place."""


class AppConfigProfiles:
    """Profiles from AWS AppConfig; one provider per vendor, kept for the life of the worker.

    What was read last holds while AppConfig does not answer, however long: an operator's pace is never dropped because
    of that. AppConfig is then asked again after SILENCE_S at the earliest, in a session of its own, for the token of
    the call that failed may be used.
    """

    def __init__(self, application: str, epoch_s: Callable[[], float] = clock.epoch_s) -> None:
        self._application = application
        self._epoch_s = epoch_s
        self._providers: dict[str, AppConfigProvider] = {}
        self._known: dict[str, Mapping[str, Any]] = {}
        self._silent_until_s: dict[str, float] = {}

    def vendor(self, name: str) -> Vendor:
        """Return the contract of a vendor; GetParameterError where AppConfig has never given one."""
        return Vendor.from_document(self._document(name, CONTRACT_PROFILE, CONTRACT_MAX_AGE_S))

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the tuning in force. TuningUnknown where AppConfig has never given one, also because the first gradual
        deployment has not reached this session: every vendor of a stack has one.
        """
        try:
            return Tuning.from_document(self._document(vendor.name, TUNING_PROFILE, TUNING_MAX_AGE_S))
        except (GetParameterError, TransformParameterError) as error:
            reason = f"AppConfig has not told the tuning of {vendor.name} ({type(error).__name__})"
            raise TuningUnknown(reason, retry_after_s=TUNING_RETRY_S) from error

    def _document(self, vendor: str, profile: str, max_age_s: int) -> Mapping[str, Any]:
        name = f"{vendor}/{profile}"
        if self._epoch_s() >= self._silent_until_s.get(name, 0):
            try:
                self._known[name] = self._read(vendor, profile, max_age_s)
            except (GetParameterError, TransformParameterError) as error:
                self._providers.pop(vendor, None)
                if name not in self._known:
                    raise
                self._silent_until_s[name] = self._epoch_s() + SILENCE_S
                logger().warning("appconfig silent", profile=name, error_type=type(error).__name__)
        return self._known[name]

    def _read(self, vendor: str, profile: str, max_age_s: int) -> Mapping[str, Any]:
        provider = self._providers.get(vendor)
        if provider is None:
            provider = self._providers[vendor] = AppConfigProvider(environment=vendor, application=self._application)
        document: Any = provider.get(profile, transform="json", max_age=max_age_s)
        if not isinstance(document, Mapping):
            raise GetParameterError(f"AppConfig has no {profile} for {vendor} yet")
        return document
