"""Patched templates of the emulator: a secret is known by its ARN."""

from typing import Any

import pytest
from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from headway.cloud.patches import secret_references


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Patch the emulator for one test."""
    kept = provisioners._RESOURCE_HANDLERS[secret_references.KIND]
    monkeypatch.setitem(provisioners._RESOURCE_HANDLERS, secret_references.KIND, kept)
    secret_references.apply()
    found: dict[str, Any] = provisioners._RESOURCE_HANDLERS[secret_references.KIND]
    return found


def test_a_reference_to_a_secret_is_its_arn(handlers: dict[str, Any]) -> None:
    reference, attributes = handlers["create"]("Key", {"Name": "key-1", "SecretString": "x"}, "stack")
    assert reference == attributes["Arn"]
    assert reference.startswith("arn:aws:secretsmanager:")
    handlers["delete"](reference, {})


def test_a_secret_is_changed_and_removed_by_its_arn(handlers: dict[str, Any]) -> None:
    before = {"Name": "key-2", "SecretString": "x"}
    reference, _ = handlers["create"]("Key", before, "stack")
    again, _ = handlers["update"](reference, before, {**before, "Description": "changed"}, "stack", "Key")
    assert again == reference
    assert secretsmanager._secrets["key-2"]["Description"] == "changed"
    handlers["delete"](reference, before)
    assert "key-2" not in secretsmanager._secrets
