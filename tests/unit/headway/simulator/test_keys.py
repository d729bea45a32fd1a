import json
import stat
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from headway.errors import KeysUnreadable
from headway.simulator.keys import FILE_NAME, load_or_create


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "state", "replicate")
    assert load_or_create(tmp_path / "state", "replicate") == first
    assert Webhook(first.webhook_secret)


def test_a_second_vendor_gets_its_own_keys_beside_the_first(tmp_path: Path) -> None:
    first = load_or_create(tmp_path, "replicate")
    assert load_or_create(tmp_path, "other") != first
    assert load_or_create(tmp_path, "replicate") == first


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    load_or_create(tmp_path, "replicate")
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_keys_do_not_show_in_their_repr(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path, "replicate")
    assert keys.api_token not in repr(keys)
    assert keys.webhook_secret not in repr(keys)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"replicate": "secret-text"}', '{"replicate": {"token": "secret-text"}}']
)
def test_a_broken_keys_file_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(KeysUnreadable, match=FILE_NAME) as refusal:
        load_or_create(tmp_path, "replicate")
    assert "secret-text" not in str(refusal.value)


def test_the_file_has_the_documented_shape(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path, "replicate")
    assert json.loads((tmp_path / FILE_NAME).read_text()) == {
        "replicate": {"api_token": keys.api_token, "webhook_secret": keys.webhook_secret}
    }
