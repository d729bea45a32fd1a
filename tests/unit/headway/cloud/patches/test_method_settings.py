"""Paths of a template's method settings."""

import pytest
from ministack.services.cloudformation import provisioners

from headway.cloud.patches import method_settings


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("/*", "/*"),
        ("/", "/"),
        ("/~1resource", "/resource"),
        ("/~1resource~1sub", "/resource/sub"),
        ("/~1{proxy+}", "/{proxy+}"),
        ("/~1a~01", "/a~1"),
    ],
)
def test_slashes_are_decoded(said: str, path: str) -> None:
    assert method_settings.decoded(said) == path


def test_a_setting_is_found_under_the_path_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioners, "_apigw_method_settings", provisioners._apigw_method_settings)
    method_settings.apply()
    setting = {"ResourcePath": "/~1{proxy+}", "HttpMethod": "GET", "ThrottlingRateLimit": 40}
    settings = provisioners._apigw_method_settings([setting, {"ThrottlingBurstLimit": 2}])
    assert {path: entry["throttlingRateLimit"] for path, entry in settings.items()} == {
        "/{proxy+}/GET": 40,
        "*/*": 10_000,
    }
    assert provisioners._apigw_method_settings(None) == {}
