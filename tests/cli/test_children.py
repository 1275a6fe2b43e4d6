"""The processes of the product are started again, ended in time and found when left behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from kedang_workers.cli.children import INSTANCE, Child, Program, end_all, end_orphans
from kedang_workers.cli.log_tail import LogTail
from kedang_workers.cli.stopping import Stopping, StopRequested
from tests.embedded.support import until

ENDS = "import sys; print('what was wrong', flush=True); sys.exit(3)"
WAITS = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


class Told:
    """An echo that keeps what it was told."""

    def __init__(self):
        self.texts = []

    def __call__(self, msgid, /, **params):
        self.texts.append(msgid.format_map(params))


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def child(tmp_path):
    """Make a child out of a few lines of Python; whatever still runs is killed after the test."""
    made = []

    def make(source, *, name="a_child"):
        (tmp_path / f"{name}.py").write_text(source)
        environment = os.environ | {"PYTHONPATH": str(tmp_path), INSTANCE: str(tmp_path)}
        one = Child(Program(name, name), logs=tmp_path / "log", environment=environment)
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()


def _ready(child):
    until(lambda: child.log.exists() and "ready" in child.log.read_text())


def test_a_child_that_ends_is_started_again_later_each_time_and_its_last_words_are_told(child, told):
    one = child(ENDS)
    one.start()
    moments = []
    end = time.monotonic() + 6
    while len(moments) < 3 and time.monotonic() < end:
        before = len(told.texts)
        one.look_after(echo=told)
        if len(told.texts) > before:
            moments.append(time.monotonic())
        time.sleep(0.02)
    assert len(moments) == 3
    assert moments[1] - moments[0] >= 1
    assert moments[2] - moments[1] >= 2
    assert told.texts[0].splitlines()[0].startswith("a_child ended with code 3; starting it again in 1 s")
    assert told.texts[0].splitlines()[1:] == ["    what was wrong"]
    assert "again in 4 s" in told.texts[2]


def test_all_are_asked_to_end_at_once(child, told):
    several = [child(WAITS, name=f"child_{number}") for number in range(3)]
    for one in several:
        one.start()
        _ready(one)
    end_all(several, patience=10, hurry=lambda: False, echo=told)
    assert [one.exit_code for one in several] == [-signal.SIGTERM] * 3
    assert told.texts == []


@pytest.mark.parametrize(("patience", "hurry"), [(0.3, False), (60, True)])
def test_a_stubborn_child_is_killed_after_its_time_or_in_a_hurry(child, told, patience, hurry):
    one = child(STUBBORN)
    one.start()
    _ready(one)
    end_all([one], patience=patience, hurry=lambda: hurry, echo=told)
    assert one.exit_code == -signal.SIGKILL
    assert told.texts == ["a_child did not end by itself and is killed."]


def test_what_a_killed_supervisor_left_is_ended_and_nothing_of_another_instance(tmp_path, told):
    ours = _sleeper(tmp_path / "ours")
    theirs = _sleeper(tmp_path / "theirs")
    try:
        end_orphans(str(tmp_path / "ours"), echo=told)
        assert not psutil.pid_exists(ours.pid)
        assert theirs.poll() is None
        assert told.texts == ["Ending 1 processes left behind by an earlier run ..."]
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait()


def test_a_child_does_not_outlive_its_supervisor(tmp_path):
    (tmp_path / "waits.py").write_text(WAITS)
    supervisor = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(supervisor.stdout.readline()))
    assert child.is_running()
    supervisor.kill()
    supervisor.communicate()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


_SUPERVISOR = """
import os, sys, time
from pathlib import Path
from kedang_workers.cli.children import Child, Program
folder = Path(sys.argv[1])
child = Child(Program("waits", "waits"), logs=folder, environment=os.environ | {"PYTHONPATH": str(folder)})
child.start()
print(child._process.pid, flush=True)
time.sleep(60)
"""


def test_the_first_signal_stops_and_the_next_one_only_hurries():
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        with pytest.raises(StopRequested):
            signal.raise_signal(signal.SIGTERM)
        assert not stopping.hurry
        signal.raise_signal(signal.SIGINT)
        assert stopping.hurry
    assert signal.getsignal(signal.SIGTERM) == before


def test_errors_are_picked_out_of_a_log_once(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("2026-01-01 ERROR old\n")
    tail = LogTail(log)
    with log.open("a") as file:
        file.write("2026-01-01 INFO relay all is well so far, 0 times ERROR\n")
        file.write("2026-01-01 ERROR relay no way through\n2026-01-01 CRIT")
    assert tail.errors() == ["2026-01-01 ERROR relay no way through"]
    with log.open("a") as file:
        file.write("ICAL the end\n")
    assert tail.errors() == ["2026-01-01 CRITICAL the end"]
    assert tail.errors() == []
    assert tail.last(1) == "2026-01-01 CRITICAL the end"


def _sleeper(instance):
    return subprocess.Popen(["sleep", "60"], env=os.environ | {INSTANCE: str(instance)})
