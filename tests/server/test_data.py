"""The key of login tokens in the data folder."""

from pathlib import Path

import pytest

from headrace.server.config import Config, HostConfig, ListenerConfig
from headrace.server.data import token_key
from headrace.storage.ports import StorageUnavailable


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path, (ListenerConfig("c2s", "127.0.0.1", 0),), (HostConfig("localhost"),))


def test_the_key_is_made_once_and_for_its_owner_only(config: Config) -> None:
    key = token_key(config)
    assert len(key) == 32
    assert token_key(config) == key
    assert (config.data / "token.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_none_is_named(config: Config) -> None:
    (config.data / "token.key").write_bytes(b"short")
    with pytest.raises(StorageUnavailable, match=r"token\.key"):
        token_key(config)


def test_a_key_that_cannot_be_read_is_named(config: Config) -> None:
    (config.data / "token.key").mkdir()
    with pytest.raises(StorageUnavailable, match=r"token\.key"):
        token_key(config)
