"""`kedang jobs`: what the operator sees and does, and never what a job is about (O3)."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from kedang_platform.work import NewJob, enqueue
from kedang_workers.cli import app

pytestmark = pytest.mark.requirement("O2", "O3")


@pytest.fixture
def kedang(work_environment):
    async def run(*arguments):
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ("jobs", *arguments), env=work_environment, catch_exceptions=False
        )
        assert "Fuller" not in done.stdout
        return done.exit_code, done.stdout

    return run


@pytest.fixture
async def jobs(databases, company):
    """A company's jobs: one that failed, one that waits; and one of the installation."""
    async with databases.control() as control:
        await control.fetch("DELETE FROM work.job")
    async with databases.tenant_write(company.ref) as write:
        dead, waiting = await enqueue(
            write, NewJob("imports.run", {"name": "Fuller"}), NewJob("grading.regrade")
        )
    async with databases.control() as control:
        await enqueue(control, NewJob("work.remove_ended"))
        await control.fetch(
            "UPDATE work.job SET state = 'failed', tries = 3, finished_at = now(), error_code = 'BROKEN',"
            " error_message = 'It broke.', error_params = '{}' WHERE id = $1",
            dead,
        )
    return dead, waiting


async def states(databases):
    async with databases.control_read() as read:
        return {row["id"]: row["state"] for row in await read.fetch("SELECT id, state FROM work.job")}


async def test_lanes_and_dead_letters_are_shown_for_people_and_programs(kedang, jobs, company):
    dead, _ = jobs
    code, shown = await kedang("lanes", "--json")
    lanes = {lane["lane"]: lane for lane in json.loads(shown)}
    assert code == 0
    assert (lanes[company.ref.schema]["due"], lanes[company.ref.schema]["failed"]) == (1, 1)
    assert lanes["installation"]["waiting"] == 1
    assert set(lanes["installation"]) == {
        *("lane", "waiting", "due", "queued", "running", "failed", "oldestSeconds")
    }
    code, shown = await kedang("dead", "--company", str(company.id), "--json")
    (letter,) = json.loads(shown)
    assert (letter["id"], letter["kind"], letter["tries"], letter["errorCode"]) == (
        str(dead),
        "imports.run",
        3,
        "BROKEN",
    )
    code, shown = await kedang("dead")
    assert (code, str(dead) in shown, "BROKEN" in shown) == (0, True, True)
    code, shown = await kedang("lanes")
    assert f"{company.ref.schema}: oldest due 0:00:0" in shown
    code, shown = await kedang("waiting", "--company", "installation", "--json")
    assert [line["kind"] for line in json.loads(shown)] == ["work.remove_ended"]


async def test_dead_letters_begin_anew_and_jobs_are_called_off(kedang, jobs, databases):
    dead, waiting = jobs
    code, shown = await kedang("replay", "--json")
    assert (code, json.loads(shown)["error"]["code"]) == (1, "BAD_USER_INPUT")
    code, shown = await kedang("replay", "--kind", "imports.run", "--json")
    assert (code, json.loads(shown)) == (0, {"replayed": [str(dead)]})
    assert (await states(databases))[dead] == "waiting"
    code, shown = await kedang("replay", str(dead), "--json")
    assert json.loads(shown) == {"replayed": []}

    code, shown = await kedang("cancel", str(waiting), "--json")
    assert (code, json.loads(shown)) == (0, {"id": str(waiting), "cancelled": True})
    async with databases.control() as control:  # its handler is to end it
        ended = (
            "UPDATE work.job SET state = 'cancelled', finished_at = now() WHERE id = $1 AND cancel_requested"
        )
        await control.fetch(ended, waiting)
    assert (await states(databases))[waiting] == "cancelled"
    code, shown = await kedang("cancel", str(waiting))
    assert (code, "had ended already" in shown) == (0, True)
    code, shown = await kedang("cancel", "nonsense", "--json")
    assert (code, json.loads(shown)["error"]["code"]) == (1, "NOT_FOUND")
