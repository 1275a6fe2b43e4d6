import subprocess
import sys

SPEAK = """
import structlog
from kedang_workers.logs import configure_logs
configure_logs()
log = structlog.get_logger("kedang.test")
log.debug("unheard")
log.warning("job.failed", kind="greet", tries=2)
local = "secret"
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("job.failed", exc_info=error, kind="greet")
"""


def test_a_line_tells_the_event_with_its_facts_and_a_bug_its_trace():
    said = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, check=True)
    assert said.stdout == ""
    first, second, *trace = said.stderr.splitlines()
    assert first.endswith("WARNING kedang.test job.failed kind=greet tries=2")
    assert second.endswith("ERROR kedang.test job.failed kind=greet")
    assert trace[-1] == "ZeroDivisionError: division by zero"
    assert "secret" not in said.stderr
