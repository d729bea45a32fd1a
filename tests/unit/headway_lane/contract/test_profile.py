"""Contract and tuning out of AppConfig: how old they may be, and what holds before there are any."""

from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
from headway_lane.contract import profile
from headway_lane.contract.profile import CONTRACT_MAX_AGE_S, TUNING_MAX_AGE_S, AppConfigProfiles
from headway_lane.contract.tuning import Tuning

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, vendor_of


class FakeAppConfig:
    """AppConfig as Powertools serves it: documents by profile, and what was asked by environment."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {"acme-contract": VENDOR_DOCUMENT}
        self.asked: dict[tuple[str, str], list[tuple[str, str, int]]] = {}

    def provider(self, environment: str, application: str) -> SimpleNamespace:
        assert (application, environment) not in self.asked, "a provider is made twice"
        asked = self.asked[application, environment] = []

        def get(name: str, transform: str, max_age: int) -> Any:
            asked.append((name, transform, max_age))
            document = self.documents.get(name, GetParameterError("ResourceNotFoundException"))
            if isinstance(document, Exception):
                raise document
            return document

        return SimpleNamespace(get=get)


@pytest.fixture
def app_config(monkeypatch: pytest.MonkeyPatch) -> FakeAppConfig:
    fake = FakeAppConfig()
    monkeypatch.setattr(profile, "AppConfigProvider", fake.provider)
    return fake


def test_a_contract_is_the_document_of_the_vendors_own_environment(app_config: FakeAppConfig) -> None:
    assert AppConfigProfiles("headway").vendor("acme") == vendor_of()
    assert app_config.asked == {("headway", "acme"): [("acme-contract", "json", CONTRACT_MAX_AGE_S)]}


def test_a_tuning_may_be_seconds_old_and_a_contract_a_minute(app_config: FakeAppConfig) -> None:
    app_config.documents["acme-tuning"] = {"delay_ms": 40, "rate_per_s": 2.5}
    profiles = AppConfigProfiles("headway")
    assert profiles.tuning(profiles.vendor("acme")) == Tuning(40, 2.5)
    assert [max_age_s for _, _, max_age_s in app_config.asked["headway", "acme"]] == [60, TUNING_MAX_AGE_S]
    assert TUNING_MAX_AGE_S <= 10


def test_a_worker_keeps_one_provider_for_each_vendor(app_config: FakeAppConfig) -> None:
    app_config.documents["other-contract"] = {**VENDOR_DOCUMENT, "vendor": "other"}
    profiles = AppConfigProfiles("headway")
    for name in ("acme", "other", "acme"):
        profiles.vendor(name)
    assert list(app_config.asked) == [("headway", "acme"), ("headway", "other")]


@pytest.mark.parametrize(
    "answer", [None, "", [], GetParameterError("no deployment yet"), TransformParameterError("empty")]
)
def test_before_the_first_tuning_is_deployed_the_default_holds(app_config: FakeAppConfig, answer: Any) -> None:
    app_config.documents["acme-tuning"] = answer
    vendor = vendor_of()
    assert AppConfigProfiles("headway").tuning(vendor) == Tuning.default_of(vendor)


def test_without_a_contract_nothing_is_called(app_config: FakeAppConfig) -> None:
    with pytest.raises(GetParameterError):
        AppConfigProfiles("headway").vendor("unknown")
    app_config.documents["acme-contract"] = None
    with pytest.raises(GetParameterError, match="AppConfig has no contract for acme yet"):
        AppConfigProfiles("headway").vendor("acme")
