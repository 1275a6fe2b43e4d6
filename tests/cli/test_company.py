"""`kedang company list|show|suspend|resume`, `migrate` and `doctor`: what an operator types (O2)."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from kedang_platform.errors import NotFound
from kedang_platform.identity.credentials import authenticate
from kedang_platform.identity.sessions import start_session
from kedang_platform.licensing.seats import subscribe
from kedang_platform.registry import CompanySuspended, ensure_usable
from kedang_platform.work import NewJob, claims, enqueue
from kedang_platform.work.lanes import Limits, hand_out
from kedang_workers.cli import app
from tests.support.database import SECRET
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("O2")


@pytest.fixture
def kedang(work_environment):
    """The command, run in a thread of this process: starting Python anew each time would take most of the time."""

    async def run(*arguments, **environment):
        done = await asyncio.to_thread(
            CliRunner().invoke, app, arguments, env=work_environment | environment, catch_exceptions=False
        )
        assert done.stderr == ""
        return done.exit_code, json.loads(done.stdout)

    return run


async def told(kedang, *arguments, **environment):
    return await kedang(*arguments, "--json", **environment)


async def open_for_work(databases, company):
    """An owner, signed in and with a key, a job that waits; what lets them in."""
    async with databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=2, now=datetime.now(UTC))
    owner = await make_member(databases, company, "OWNER")
    bearer = await make_key(databases, owner, key=SECRET)
    async with databases.control() as control:
        cookie = await start_session(
            control,
            person_id=owner.person_id,
            company_id=company.id,
            user_agent="test",
            now=datetime.now(UTC),
        )
        await control.fetch("DELETE FROM work.job")
        await enqueue(control, NewJob("imports.run", {}, company=company.ref))
    return bearer, cookie


async def who(databases, **credential):
    async with databases.control_read() as read:
        given = {"bearer": None, "cookie": None} | credential
        return await authenticate(read, **given, now=datetime.now(UTC), key=SECRET)


async def handed_out(databases):
    async with databases.control() as control:
        return (await hand_out(control, now=datetime.now(UTC), limits=Limits())).jobs


async def test_a_company_is_suspended_at_once_and_resumed_with_everything(databases, two_companies, kedang):
    company, other = two_companies
    bearer, cookie = await open_for_work(databases, company)
    assert await who(databases, cookie=cookie) is not None

    code, shown = await told(
        kedang, "company", "suspend", company.name, "--reason", "Unpaid since May", "--operator", "wei"
    )
    assert (code, shown["status"], shown["suspendedReason"]) == (0, "suspended", "Unpaid since May")
    assert await who(databases, cookie=cookie) is None
    by_key = await who(databases, bearer=bearer)
    with pytest.raises(CompanySuspended):
        ensure_usable(by_key.company, revision="")
    assert await handed_out(databases) == ()
    code, refused = await told(kedang, "company", "suspend", company.name, "--reason", "Again")
    assert (code, refused["error"]["code"]) == (1, "COMPANY_NOT_SUSPENDABLE")

    code, shown = await told(kedang, "company", "resume", str(company.id), "--operator", "lin")
    assert (code, shown["status"], shown["suspendedReason"], shown["openJobs"]) == (0, "active", None, 1)
    assert (await who(databases, bearer=bearer)).company.status == "active"
    assert len(await handed_out(databases)) == 1
    code, refused = await told(kedang, "company", "resume", company.name)
    assert (code, refused["error"]["code"]) == (1, "COMPANY_NOT_SUSPENDED")
    async with databases.tenant_read(company.ref) as read:
        noted = await read.fetch("SELECT action, via, changes FROM audit WHERE record = 'company' ORDER BY 1")
    assert [(row["action"], row["via"], json.loads(row["changes"])) for row in noted] == [
        ("company.resumed", "operator", {"operator": [None, "lin"]}),
        (
            "company.suspended",
            "operator",
            {"reason": [None, "Unpaid since May"], "operator": [None, "wei"]},
        ),
    ]
    async with databases.tenant_read(other.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM audit") == 0


async def test_a_job_that_was_handed_out_before_its_company_was_suspended_is_not_begun(
    databases, company, kedang
):
    await open_for_work(databases, company)
    (job,) = await handed_out(databases)
    await told(kedang, "company", "suspend", company.name, "--reason", "Unpaid")
    async with databases.control() as control:
        assert await claims.claim(control, job.id, job.attempt) is None
    await told(kedang, "company", "resume", company.name)
    async with databases.control() as control:
        assert (await claims.claim(control, job.id, job.attempt)).kind == "imports.run"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "Nobody"), NotFound.code),
        (("suspend", "Nobody", "--reason", "x"), NotFound.code),
        (("suspend", "Northwind Traders", "--reason", " "), "BAD_USER_INPUT"),
        (("resume", "Northwind Traders"), "COMPANY_NOT_SUSPENDED"),
    ],
)
async def test_what_cannot_be_done_to_a_company_is_refused_and_changes_nothing(
    databases, company, kedang, arguments, code
):
    assert (await told(kedang, "company", *arguments))[1]["error"]["code"] == code
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT status FROM platform.company") == "active"


async def test_companies_are_listed_and_those_of_one_name_told_apart(databases, two_companies, kedang):
    one, two = two_companies
    await open_for_work(databases, one)
    code, listed = await told(kedang, "company", "list")
    assert (code, [each["name"] for each in listed]) == (0, [one.name, two.name])
    assert list(listed[0]) == [
        *("id", "name", "status", "quiet", "suspendedReason", "suspendedAt", "country", "language"),
        *("timeZone", "currency", "createdAt", "schema", "revision", "error", "members", "invited"),
        *("fullSeats", "freeSeats", "paidSeats", "subscription", "openJobs", "deadJobs", "lastSeenAt"),
    ]
    assert (listed[0]["members"], listed[0]["fullSeats"], listed[0]["freeSeats"]) == (1, 1, 2)
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET name = $1", one.name)
    _, refused = await told(kedang, "company", "show", one.name)
    assert refused["error"]["code"] == "COMPANY_AMBIGUOUS"
    assert (await told(kedang, "company", "show", str(two.id)))[1]["id"] == str(two.id)


async def test_migrate_tells_a_program_what_it_did(kedang, database_superuser_url, databases):
    assert databases
    code, done = await told(
        kedang, "migrate", KEDANG_DATABASE_URL=database_superuser_url, KEDANG_SPARE_SCHEMAS="0"
    )
    assert code == 0
    assert list(done) == ["complete", "revisions", "migrated", "spares", "failed", "untried"]
    assert (done["complete"], done["migrated"], done["failed"]) == (True, 0, [])


async def test_the_doctor_names_what_is_wrong_and_what_to_do(databases, company, kedang, tmp_path):
    await open_for_work(databases, company)
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET created_at = now() - interval '1 hour'")
        await control.fetch(
            "INSERT INTO work.job (id, tenant, kind, state, error_code, finished_at)"
            " VALUES (gen_random_uuid(), '', 'mail.send', 'failed', 'MAIL_REFUSED', now())"
        )
        await control.fetch(
            "UPDATE platform.tenant_schema SET error = 'LockNotAvailableError: x', attempts = 3 WHERE company_id = $1",
            company.id,
        )
    try:
        code, found = await told(
            kedang, "doctor", KEDANG_PUBLIC_URL="http://crm.example", KEDANG_SPARE_SCHEMAS="99"
        )
    finally:
        async with databases.control() as control:
            await control.fetch("UPDATE platform.tenant_schema SET error = NULL, attempts = 0")
    assert (code, found["ok"]) == (1, False)
    by_code = {finding["code"]: finding for finding in found["findings"]}
    assert {"LINKS_WITHOUT_TLS", "MIGRATION_FAILED", "SPARES_LOW", "JOBS_STUCK", "JOBS_GIVEN_UP"} <= set(
        by_code
    )
    assert set(by_code["JOBS_STUCK"]) == {"code", "severity", "message", "remedy", "params"}
    assert by_code["JOBS_STUCK"]["params"] == {"count": 1}
    assert by_code["JOBS_GIVEN_UP"]["severity"] == "warning"
    assert by_code["MIGRATION_FAILED"]["params"]["name"] == company.name
    assert set(found["versions"]) >= {"kedang", "postgresql"}


async def test_the_doctor_tells_a_setting_that_cannot_work_and_never_its_value(kedang):
    code, found = await told(kedang, "doctor", KEDANG_OUTGOING_ALLOWED="10.0.0.0/8,the-office")
    assert (code, found["ok"], found["findings"][0]["code"]) == (1, False, "SETTING_WRONG")
    assert found["findings"][0]["params"]["setting"] == "KEDANG_OUTGOING_ALLOWED"
    assert "the-office" not in json.dumps(found)
