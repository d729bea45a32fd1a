"""What an alarm says to do stands where it says."""

import re

import pytest
from headway_cdk.runbooks import SECTIONS, runbook_of

from tests.checkout import ROOT


def anchors(text: str) -> set[str]:
    """Return the headings of a document as they are linked."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alarm", SECTIONS)
def test_every_alarm_leads_to_a_section_that_names_it(alarm: str) -> None:
    name, _, anchor = runbook_of(alarm).partition("#")
    text = (ROOT / name).read_text()
    assert anchor in anchors(text)
    assert f"`{alarm}`" in text
