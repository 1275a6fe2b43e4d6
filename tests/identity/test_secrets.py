"""The installation's secret: made once, kept private, one key for each purpose."""

import stat
from concurrent.futures import ThreadPoolExecutor

from kedang_platform.secrets import SecretKey, load_secret_key
from kedang_platform.settings import Settings


def test_the_first_start_makes_a_secret_that_only_its_owner_reads(tmp_path):
    settings = Settings(var=tmp_path / "deep" / "var")
    first = load_secret_key(settings)
    path = tmp_path / "deep" / "var" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    assert load_secret_key(settings) == first
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


def test_of_many_processes_that_start_at_once_all_have_the_same(tmp_path):
    settings = Settings(var=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: load_secret_key(settings), range(64)))
    assert len({key.mac("x", b"y") for key in keys}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_setting_comes_before_the_file(tmp_path):
    settings = Settings(var=tmp_path, secret_key="given by the operator")
    assert load_secret_key(settings) == SecretKey(b"given by the operator")
    assert list(tmp_path.iterdir()) == []


def test_a_code_of_one_purpose_is_not_anothers_and_the_key_is_not_shown():
    key = SecretKey(b"secret")
    assert key.mac("api_key", b"data") != key.mac("cursor", b"data")
    assert key.mac("api_key", b"data") != SecretKey(b"other").mac("api_key", b"data")
    assert len(key.mac("api_key", b"data")) == 32
    assert "secret" not in repr(key)
