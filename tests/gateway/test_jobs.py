"""The company's work in the background over HTTP: listed, called off and begun anew by those who look after it (O3)."""

import pytest

from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("T10", "O3")

JOBS = """
query ($which: JobList!, $first: Int, $after: String) {
  jobs(which: $which, first: $first, after: $after) {
    nodes { id kind state tries error { code } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"""
REPLAY = """
mutation ($input: ReplayJobsInput!) {
  replayJobs(input: $input) { jobs { id state tries } userErrors { path code } }
}"""
CANCEL = """
mutation ($input: CancelJobInput!) {
  cancelJob(input: $input) { job { id state cancelRequested } userErrors { path code } }
}"""


@pytest.fixture
def asking(gateway):
    async def as_role(company, role):
        member = await make_member(gateway.services.databases, company, role)
        key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
        async with gateway.services.databases.control() as control:
            await control.fetch("DELETE FROM work.job")  # what the member's coming has asked for
        return gateway.client(key), member

    return as_role


@pytest.fixture
def ask_for(databases):
    """Jobs of a company; those that failed did so for the fourth time."""

    async def make(company, *kinds, failed=False):
        async with databases.tenant_write(company.ref) as write:
            ids = await enqueue(
                write,
                *(NewJob(kind, {"scheme": str(new_id()), "transaction": new_id().hex}) for kind in kinds),
            )
        if failed:
            async with databases.control() as control:
                await control.fetch(
                    "UPDATE work.job SET state = 'failed', tries = 4, finished_at = now(), error_code = 'BROKEN',"
                    " error_message = 'It broke.', error_params = '{}' WHERE id = ANY($1)",
                    ids,
                )
        return [f"job_{each.hex}" for each in ids]

    return make


@pytest.fixture
def states(databases):
    async def read():
        async with databases.control_read() as control:
            rows = await control.fetch("SELECT id, state FROM work.job ORDER BY id")
        return {f"job_{row['id'].hex}": row["state"] for row in rows}

    return read


async def test_owner_and_administrators_see_what_is_open_and_what_failed(asking, ask_for, two_companies):
    own, other = two_companies
    client, _ = await asking(own, "ADMIN")
    first, second, third = await ask_for(own, "events.fan_out", "grading.regrade", "imports.run")
    (dead,) = await ask_for(own, "webhooks.deliver", failed=True)
    await ask_for(other, "imports.run")

    page = (await client(JOBS, {"which": "OPEN", "first": 2})).data["jobs"]
    assert [node["id"] for node in page["nodes"]] == [third, second]
    assert page["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "endCursor": second}
    rest = (await client(JOBS, {"which": "OPEN", "first": 2, "after": second})).data["jobs"]
    assert [node["id"] for node in rest["nodes"]] == [first]
    assert rest["pageInfo"]["hasNextPage"] is False
    failed = (await client(JOBS, {"which": "FAILED"})).data["jobs"]["nodes"]
    assert failed == [
        {"id": dead, "kind": "webhooks.deliver", "state": "FAILED", "tries": 4, "error": {"code": "BROKEN"}}
    ]
    wrong = await client(JOBS, {"which": "OPEN", "after": "job_nonsense"})
    assert wrong.codes == ["BAD_CURSOR"]


async def test_failed_jobs_are_begun_anew_and_it_is_noted_who_did_it(
    asking, ask_for, two_companies, databases, states
):
    own, other = two_companies
    client, member = await asking(own, "OWNER")
    dead, another = await ask_for(own, "webhooks.deliver", "imports.run", failed=True)
    (foreign,) = await ask_for(other, "imports.run", failed=True)
    strange = await client(REPLAY, {"input": {"ids": [dead, foreign]}})
    assert strange.data["replayJobs"] == {
        "jobs": [],
        "userErrors": [{"path": ["input", "ids"], "code": "NOT_FOUND"}],
    }
    assert await states() == {dead: "failed", another: "failed", foreign: "failed"}
    answer = await client(REPLAY, {"input": {"ids": [dead]}})
    assert answer.data["replayJobs"] == {
        "jobs": [{"id": dead, "state": "WAITING", "tries": 0}],
        "userErrors": [],
    }
    assert await states() == {dead: "waiting", another: "failed", foreign: "failed"}
    by_kind = await client(REPLAY, {"input": {"kind": "imports.run"}})
    assert [job["id"] for job in by_kind.data["replayJobs"]["jobs"]] == [another]
    async with databases.control_read() as read:
        rows = await read.fetch("SELECT member_id, tries, error_code FROM work.replay")
    assert [tuple(row) for row in rows] == [(member.id, 4, "BROKEN")] * 2


async def test_what_a_verb_asked_for_is_called_off_and_inner_work_is_not(
    asking, ask_for, company, databases, states
):
    client, _ = await asking(company, "OWNER")
    regrade, inner = await ask_for(company, "grading.regrade", "events.fan_out")
    done = (await client(CANCEL, {"input": {"id": regrade}})).data["cancelJob"]
    assert done == {
        "job": {"id": regrade, "state": "WAITING", "cancelRequested": True},
        "userErrors": [],
    }
    refused = (await client(CANCEL, {"input": {"id": inner}})).data["cancelJob"]
    assert (refused["job"], [error["code"] for error in refused["userErrors"]]) == (None, ["NOT_FOUND"])
    await run_jobs(databases)
    assert await states() == {regrade: "cancelled", inner: "done"}


async def test_a_report_whose_job_waits_for_its_next_try_is_cancelled_with_it(asking, company, databases):
    client, _ = await asking(company, "OWNER")
    run = """mutation { runReport(input: {kind: CUSTOMERS_BY_GRADE}) { record { id } job { id } userErrors { code } } }"""
    made = (await client(run)).data["runReport"]
    assert made["userErrors"] == []
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET tries = 1, attempt = 1, due_at = now() + interval '1 hour' WHERE kind = 'reports.run'"
        )
    done = (await client(CANCEL, {"input": {"id": made["job"]["id"]}})).data["cancelJob"]
    assert done["userErrors"] == []
    await run_jobs(databases)
    told = await client(
        "query ($job: ID!, $run: ID!) { job(id: $job) { state } reportRun(id: $run) { state } }",
        {"job": made["job"]["id"], "run": made["record"]["id"]},
    )
    assert told.data == {"job": {"state": "CANCELLED"}, "reportRun": {"state": "CANCELLED"}}


@pytest.mark.parametrize("role", ["GENERAL_MANAGER", "REPRESENTATIVE"])
async def test_nobody_else_looks_after_the_company_s_jobs(asking, ask_for, company, role, states):
    client, _ = await asking(company, role)
    (waiting,) = await ask_for(company, "grading.regrade")
    (dead,) = await ask_for(company, "imports.run", failed=True)
    assert (await client(JOBS, {"which": "OPEN"})).codes == ["FORBIDDEN"]
    replayed = (await client(REPLAY, {"input": {"ids": [dead]}})).data["replayJobs"]
    assert (replayed["jobs"], replayed["userErrors"][0]["code"]) == ([], "FORBIDDEN")
    cancelled = (await client(CANCEL, {"input": {"id": waiting}})).data["cancelJob"]
    assert (cancelled["job"], cancelled["userErrors"][0]["code"]) == (None, "FORBIDDEN")
    assert await states() == {waiting: "waiting", dead: "failed"}
