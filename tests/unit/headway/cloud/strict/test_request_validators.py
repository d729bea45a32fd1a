"""Which model a body is held against."""

import pytest

from headway.cloud.strict.request_validators import models_for

MODELS = {"application/json": "Thing", "text/xml": "Page"}


@pytest.mark.parametrize(
    ("content_type", "model"),
    [
        ("application/json", {"application/json": "Thing"}),
        ("application/json; charset=utf-8", {"application/json": "Thing"}),
        ("", {"application/json": "Thing"}),
        ("text/xml", {"text/xml": "Page"}),
        ("text/plain", {}),
    ],
)
def test_a_body_is_held_against_the_model_of_its_type(content_type: str, model: dict[str, str]) -> None:
    assert models_for(MODELS, content_type) == model


def test_the_default_is_for_the_types_that_have_none() -> None:
    models = {**MODELS, "$default": "Any"}
    assert models_for(models, "text/plain; charset=utf-8") == {"text/plain": "Any"}
    assert models_for(models, "text/xml") == {"text/xml": "Page"}
