import subprocess
import sys

import orjson
import pytest

SPEAK = """
import sys, structlog
from kedang_platform.observing.logs import start_logging, set_up
from kedang_platform.settings import Settings
start_logging("speaker")
set_up(Settings())
log = structlog.get_logger("kedang.test")
log.debug("unheard.of")
log.warning("job.failed", kind="greet", tries=2)
local = "secret"
try:
    raise ValueError("secret " + local)
except ValueError as error:
    log.error("job.failed", exc_info=error, kind="greet")
"""


def speak(text=SPEAK, **settings):
    said = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=False,
        env={f"KEDANG_{name.upper()}": value for name, value in settings.items()},
    )
    assert said.stdout == ""
    assert "secret" not in said.stderr
    return said.stderr.splitlines()


def test_a_line_tells_the_event_with_its_facts_and_a_bug_its_trace():
    first, second, *places = speak(log_format="console")
    assert first.endswith(" WARNING job.failed kind=greet tries=2")
    assert second.endswith(" ERROR job.failed kind=greet error=ValueError")
    assert places == ["    <string>:<module>:12"]


@pytest.mark.requirement("O3")
def test_programs_read_one_json_object_a_line():
    first, second = map(orjson.loads, speak())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "event": "job.failed",
        "process": "speaker",
        "kind": "greet",
        "tries": 2,
    }
    assert (second["error"], second["places"]) == ("ValueError", ["<string>:<module>:12"])


@pytest.mark.requirement("O3")
def test_what_ends_a_process_unasked_is_one_line_without_its_text():
    ends = SPEAK.split("try:", maxsplit=1)[0] + "raise KeyError('secret')"
    assert [orjson.loads(line)["event"] for line in speak(ends)] == ["job.failed", "process.failed"]


@pytest.mark.requirement("O3")
def test_from_which_level_on_is_a_setting():
    assert len(speak(log_level="debug")) == 3
    assert len(speak(log_level="error")) == 1
