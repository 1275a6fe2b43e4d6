"""What the command line refuses, and in which language."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kedang_platform.embedded import AlreadyRunning, FolderLock
from kedang_platform.settings import Settings
from kedang_workers.cli.down import down
from kedang_workers.cli.telling import terminal_language
from tests.cli.test_children import Told
from tests.support.accounts import become


def _kedang(command, *, account=None, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KEDANG_")}
    return subprocess.run(
        [*become(account), sys.executable, "-P", "-m", "kedang_workers.cli", command],
        check=False,
        capture_output=True,
        text=True,
        env=clean | environment,
    )


@pytest.mark.parametrize("command", ["serve", "relay", "schedule", "worker", "migrate"])
def test_a_single_process_names_the_setting_it_lacks(command):
    done = _kedang(command)
    assert done.returncode == 1
    assert done.stderr == (
        "A single process needs KEDANG_DATABASE_URL; `kedang up` brings servers of its own.\n"
    )


@pytest.mark.parametrize("command", ["up", "down", "serve", "migrate"])
def test_a_setting_that_cannot_be_used_is_named(command, tmp_path):
    done = _kedang(command, KEDANG_PORT="http", KEDANG_VAR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("KEDANG_PORT cannot be used: Input should be a valid integer")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_prices_that_are_not_written_as_json_are_told(tmp_path):
    done = _kedang("down", KEDANG_SEAT_PRICES="CNY=4900", KEDANG_VAR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(
        'A setting is not written as JSON: error parsing value for field "seat_prices"'
    )
    assert "4900" not in done.stderr
    assert "Traceback" not in done.stderr


def test_down_without_anything_running_is_fine(tmp_path):
    done = _kedang("down", KEDANG_VAR=str(tmp_path / "var"))
    assert done.returncode == 0
    assert done.stdout == f"Nothing is running in {tmp_path / 'var'}.\n"
    assert not (tmp_path / "var").exists()


def test_a_second_up_is_refused_politely_with_the_number_of_the_first(tmp_path):
    lock = FolderLock(tmp_path / "up.lock")
    lock.acquire()
    try:
        done = _kedang("up", KEDANG_VAR=str(tmp_path))
    finally:
        lock.release()
    assert done.returncode == 1
    assert done.stderr == f"Already running here as process {os.getpid()} ({tmp_path}).\n"
    assert done.stdout == ""


def test_down_believes_the_lock_and_not_the_number_in_it(tmp_path):
    # A number without a held lock is that of a dead supervisor, by now perhaps a stranger's.
    (tmp_path / "up.lock").write_text(f"{os.getpid()}\n")
    told = Told()
    down(Settings(var=tmp_path), echo=told)
    assert told.texts == [f"Nothing is running in {tmp_path}."]


def test_a_lock_names_its_holder_only_while_it_is_held(tmp_path):
    first, second = FolderLock(tmp_path / "a.lock"), FolderLock(tmp_path / "a.lock")
    assert second.holder() is None
    first.acquire()
    assert second.holder() == os.getpid()
    with pytest.raises(AlreadyRunning):
        second.acquire()
    first.release()
    assert second.holder() is None
    second.acquire()
    second.release()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    done = _kedang("up", KEDANG_VAR=str(tmp_path / "file" / "var"))
    assert done.returncode == 1
    assert done.stderr == (
        f"Cannot write to {tmp_path / 'file' / 'var'} (Not a directory); KEDANG_VAR chooses another folder.\n"
    )


@pytest.mark.root
def test_down_by_another_account_is_refused_and_stops_nobody():
    folder = Path(tempfile.mkdtemp(prefix="kedang-down-"))
    folder.chmod(0o755)
    lock = FolderLock(folder / "up.lock")
    lock.acquire()
    try:
        done = _kedang("down", account="nobody", KEDANG_VAR=str(folder))
        assert done.returncode == 1
        assert done.stderr == f"Process {os.getpid()} belongs to another account, which has to stop it.\n"
        assert lock.holder() == os.getpid()
    finally:
        lock.release()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN.GB18030", "LANG": "en_US.UTF-8"}, "zh-CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminal_speaks_the_language_of_its_locale(environment, language):
    assert terminal_language(environment) == language
