"""Contract and tuning out of AppConfig: how old they may be, and what holds while there are none."""

from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
from headway_lane.contract import profile
from headway_lane.contract.profile import (
    CONTRACT_MAX_AGE_S,
    SILENCE_S,
    TUNING_MAX_AGE_S,
    TUNING_RETRY_S,
    AppConfigProfiles,
    TuningUnknown,
    Unread,
)
from headway_lane.contract.tuning import Tuning

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, vendor_of


class FakeAppConfig:
    """AppConfig as Powertools serves it: documents by environment and profile, and what was asked by environment."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {"acme/contract": VENDOR_DOCUMENT}
        self.sessions_count = 0
        self.asked_count = 0
        self.asked: dict[tuple[str, str], list[tuple[str, str, int]]] = {}

    def provider(self, environment: str, application: str) -> SimpleNamespace:
        self.sessions_count += 1
        asked = self.asked.setdefault((application, environment), [])

        def get(name: str, transform: str, max_age: int) -> Any:
            asked.append((name, transform, max_age))
            self.asked_count += 1
            document = self.documents.get(f"{environment}/{name}", GetParameterError("ResourceNotFoundException"))
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
    assert app_config.asked == {("headway", "acme"): [("contract", "json", CONTRACT_MAX_AGE_S)]}


def test_a_tuning_may_be_seconds_old_and_a_contract_a_minute(app_config: FakeAppConfig) -> None:
    app_config.documents["acme/tuning"] = {"delay_ms": 40, "rate_per_s": 2.5}
    profiles = AppConfigProfiles("headway")
    assert profiles.tuning(profiles.vendor("acme")) == Tuning(40, 2.5)
    assert [max_age_s for _, _, max_age_s in app_config.asked["headway", "acme"]] == [60, TUNING_MAX_AGE_S]
    assert TUNING_MAX_AGE_S <= 10


def test_a_worker_keeps_one_provider_for_each_vendor(app_config: FakeAppConfig) -> None:
    app_config.documents["other/contract"] = {**VENDOR_DOCUMENT, "vendor": "other"}
    profiles = AppConfigProfiles("headway")
    for name in ("acme", "other", "acme"):
        profiles.vendor(name)
    assert list(app_config.asked) == [("headway", "acme"), ("headway", "other")]
    assert app_config.sessions_count == 2


@pytest.mark.parametrize(
    "answer", [None, "", [], GetParameterError("no deployment yet"), TransformParameterError("empty")]
)
def test_no_pace_is_made_up_where_no_tuning_was_ever_read(app_config: FakeAppConfig, answer: Any) -> None:
    app_config.documents["acme/tuning"] = answer
    profiles = AppConfigProfiles("headway")
    with pytest.raises(TuningUnknown) as unknown:
        profiles.tuning(vendor_of())
    assert unknown.value.retry_after_s == TUNING_RETRY_S
    app_config.documents["acme/tuning"] = {"delay_ms": 40, "rate_per_s": 2.5}
    assert profiles.tuning(vendor_of()) == Tuning(40, 2.5)


@pytest.mark.parametrize("answer", [None, GetParameterError("ThrottlingException"), TransformParameterError("empty")])
def test_the_last_tuning_and_contract_hold_while_appconfig_does_not_answer(
    app_config: FakeAppConfig, answer: Any
) -> None:
    app_config.documents["acme/tuning"] = {"delay_ms": 40, "rate_per_s": 2.5}
    now_s = [1_000.0]
    profiles = AppConfigProfiles("headway", lambda: now_s[0])
    vendor = profiles.vendor("acme")
    profiles.tuning(vendor)
    app_config.documents = {"acme/tuning": answer, "acme/contract": answer}
    for _ in range(3):
        assert profiles.tuning(vendor) == Tuning(40, 2.5)
        assert profiles.vendor("acme") == vendor
        now_s[0] += 3_600
    app_config.documents = {"acme/tuning": {"delay_ms": 0, "rate_per_s": 1.5}}
    assert profiles.tuning(vendor) == Tuning(0, 1.5)


def test_a_silent_appconfig_is_asked_again_in_a_new_session_and_not_at_once(app_config: FakeAppConfig) -> None:
    app_config.documents["acme/tuning"] = {"delay_ms": 40, "rate_per_s": 2.5}
    now_s = [1_000.0]
    profiles = AppConfigProfiles("headway", lambda: now_s[0])
    vendor = vendor_of()
    profiles.tuning(vendor)
    app_config.documents["acme/tuning"] = GetParameterError("BadRequestException: the token was used")
    for _ in range(5):
        profiles.tuning(vendor)
    assert (app_config.asked_count, app_config.sessions_count) == (2, 1)
    now_s[0] += SILENCE_S
    profiles.tuning(vendor)
    assert (app_config.asked_count, app_config.sessions_count) == (3, 2)


def test_without_a_contract_nothing_is_called(app_config: FakeAppConfig) -> None:
    with pytest.raises(Unread):
        AppConfigProfiles("headway").vendor("unknown")
    app_config.documents["acme/contract"] = None
    with pytest.raises(Unread, match="AppConfig has not told the contract of acme"):
        AppConfigProfiles("headway").vendor("acme")


@pytest.mark.parametrize(
    "answer",
    [
        GetParameterError("InternalServerException"),
        TransformParameterError("no JSON"),
        None,
        [],
        {"rate_per_s": 99},
        {"delay_ms": 0, "rate_per_s": 99, "cap": {"cost_per_day": 1}},
    ],
)
def test_an_appconfig_that_fails_in_the_middle_of_a_rollout_changes_nothing(
    app_config: FakeAppConfig, answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some workers have the new tuning, some still have the old one: each keeps its own, whatever it is told."""
    now_s = [1_000.0]
    workers = [AppConfigProfiles("headway", lambda: now_s[0]) for _ in range(2)]
    old, new = {"delay_ms": 0, "rate_per_s": 20}, {"delay_ms": 0, "rate_per_s": 5}
    vendor = vendor_of()
    for profiles, document in zip(workers, (old, new), strict=True):
        app_config.documents["acme/tuning"] = document
        profiles.tuning(vendor)
    app_config.documents["acme/tuning"] = answer
    capsys.readouterr()
    for _ in range(5):
        now_s[0] += SILENCE_S
        assert [profiles.tuning(vendor).rate_per_s for profiles in workers] == [20, 5]
    assert "ConfigurationsUnread" in capsys.readouterr().out
    app_config.documents["acme/tuning"] = new
    now_s[0] += SILENCE_S
    assert [profiles.tuning(vendor).rate_per_s for profiles in workers] == [5, 5]
