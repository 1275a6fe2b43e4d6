"""The main job as a new user lives it: one command, Northwind stands; a check that changes nothing; stop; all is there."""

import json

import psutil
import pytest

from kedang_workers.demo.client import Api
from tests.cli.test_up import Installation
from tests.embedded.support import until

pytestmark = pytest.mark.story


@pytest.fixture
def installation(tmp_path):
    installation = Installation(tmp_path, demo=True)
    yield installation
    installation.run("down")
    installation.clean_up()


def test_northwind_is_built_checked_twice_and_found_again(installation):
    started = installation.up()
    until(lambda: "sign in as andrew.fuller" in installation.said() or not alive(started), seconds=300)
    told = json.loads((installation.folder / "var" / "demo.json").read_text())
    assert told["built"], installation.said()

    assert "is refused with SEAT_REQUIRED: All 2 seats are taken." in installation.said()
    assert "Further seats of the company: 7." in installation.said()
    assert installation.said().count("opens the link of the mail and answers in Chromium") == 2
    assert "without a browser" not in installation.said()
    first, second = installation.demo("check"), installation.demo("check")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.endswith(" compared, 0 different\n")
    assert second.stdout == first.stdout

    listed = installation.run("seats", "list", "--json")  # as an operator types it: no address is given
    assert [(c["name"], c["taken"], c["paid"]) for c in json.loads(listed.stdout)] == [
        ("Northwind Traders", 9, 7)
    ]

    assert installation.run("down").returncode == 0
    installation.up()
    assert installation.demo("check").stdout == first.stdout
    there = everything(installation, told["key"])
    built = installation.folder / "var" / "demo.json"
    built.write_text(json.dumps(told | {"built": False}))  # as if it had been broken off at the very end
    again = installation.demo("build")
    assert again.returncode == 0, again.stdout
    for once in ("seats are ordered", "asks:", "is closed:", "orders today", "answers", "is made as"):
        assert once not in again.stdout
    assert everything(installation, told["key"]) == there
    assert installation.demo("check").stdout == first.stdout


LISTS = (
    "serviceRequests",
    "serviceNotes",
    "repairRecords",
    "serviceStandards",
    "serviceAssignments",
    "surveyInvitations",
    "surveyAnswers",
    "surveyItemAnswers",
    "orders",
    "deliveries",
    "followUpPlans",
    "followUpRecords",
    "reportRuns",
    "reportDefinitions",
    "reportRecipients",
    "files",
    "notices",
    "members",
    "departments",
)


def everything(installation, key):
    """How many there are of each record that the story makes, and of mails."""
    api = Api(f"http://127.0.0.1:{installation.port}", key)
    found = api.ask("{" + " ".join(f"{name} {{ totalCount }}" for name in LISTS) + "}")
    mails = len(list((installation.folder / "var" / "mail").iterdir()))
    api.close()
    return {name: found[name]["totalCount"] for name in LISTS} | {"mails": mails}


def alive(process):
    return psutil.pid_exists(process.pid) and process.poll() is None
