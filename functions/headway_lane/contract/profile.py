"""Contract and tuning as AppConfig serves them, read through Powertools and cached for seconds.

The AppConfig environment is the vendor, so that one vendor's change never waits for another's deployment.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from aws_lambda_powertools.utilities.parameters import AppConfigProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, profile_name

CONTRACT_MAX_AGE_S: Final = 60
TUNING_MAX_AGE_S: Final = 5
"""A changed delay is in force within this many seconds of its deployment reaching the function."""


class Profiles(Protocol):
    """Where contract and tuning come from."""

    def vendor(self, name: str) -> Vendor:
        """Return the contract of a vendor."""
        ...

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the operator's tuning of a vendor, or the default drawn from its contract."""
        ...


class AppConfigProfiles:
    """Profiles from AWS AppConfig; one provider per vendor, kept for the life of the worker."""

    def __init__(self, application: str) -> None:
        self._application = application
        self._providers: dict[str, AppConfigProvider] = {}

    def vendor(self, name: str) -> Vendor:
        """Return the contract of a vendor; GetParameterError where AppConfig has none."""
        return Vendor.from_document(self._document(name, CONTRACT_PROFILE, CONTRACT_MAX_AGE_S))

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the tuning in force. A first gradual deployment has not reached every session yet: until then the
        default holds, which is slower than the contract.
        """
        try:
            return Tuning.from_document(self._document(vendor.name, TUNING_PROFILE, TUNING_MAX_AGE_S))
        except (GetParameterError, TransformParameterError):
            return Tuning.default_of(vendor)

    def _document(self, vendor: str, profile: str, max_age_s: int) -> Mapping[str, Any]:
        provider = self._providers.get(vendor)
        if provider is None:
            provider = self._providers[vendor] = AppConfigProvider(environment=vendor, application=self._application)
        document: Any = provider.get(profile_name(vendor, profile), transform="json", max_age=max_age_s)
        if not isinstance(document, Mapping):
            raise GetParameterError(f"AppConfig has no {profile} for {vendor} yet")
        return document
