"""Dead letters: listed, and begun anew with a fresh set of tries behind what was done already."""

import asyncpg
import pytest

from kedang_platform.errors import BadUserInput
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, Progress, enqueue, handler, keeping
from kedang_platform.work.keeping import dead_letters, lanes, lines, own_jobs, replay
from kedang_platform.work.runner import Outcome

pytestmark = pytest.mark.requirement("T10", "O3")


class Broken:
    """A handler of two steps that fails in the second one until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.begun_at = []

    def handler(self):
        @handler("two.steps")
        async def two_steps(job):
            self.begun_at.append((job.tries, job.checkpoint))
            if job.checkpoint is None:
                async with job.step(progress=Progress(1, 2), checkpoint="first"):
                    pass
            if not self.mended:
                raise BadUserInput("not like this")
            async with job.finish(result="done"):
                pass

        return two_steps


@pytest.fixture
def broken():
    return Broken()


@pytest.fixture
def fail(databases, runner, due, broken):
    """Jobs of a company that have failed for good."""

    async def make(company, count: int = 1, **more):
        async with databases.tenant_write(company.ref) as write:
            ids = await enqueue(write, *(NewJob("two.steps", **more) for _ in range(count)))
        worker = runner(broken.handler())
        for job in await due():
            assert await worker.run(job.id, job.attempt) is Outcome.FAILED
        return ids

    return make


async def test_a_replayed_dead_letter_has_all_its_tries_and_goes_on_from_its_checkpoint(
    company, fail, broken, databases, runner, due, row, clock
):
    (job_id,) = await fail(company)
    member = new_id()
    async with databases.control() as control:
        begun = await replay(
            control, ids=[job_id], tenant=company.ref.schema, member_id=member, now=clock.now()
        )
        noted = await control.fetchrow("SELECT * FROM work.replay")
    assert begun == [job_id]
    assert (noted["job_id"], noted["member_id"], noted["replayed_at"]) == (job_id, member, clock.now())
    assert (noted["tries"], noted["error_code"]) == (1, "BAD_USER_INPUT")
    waits = await row(job_id)
    assert (waits["state"], waits["tries"], waits["error_code"], waits["finished_at"]) == (
        "waiting",
        0,
        None,
        None,
    )

    broken.mended = True
    (job,) = await due()
    assert await runner(broken.handler()).run(job.id, job.attempt) is Outcome.DONE
    assert broken.begun_at == [(1, None), (1, "first")]
    assert (await row(job_id))["result"] == '"done"'


async def test_a_member_replays_their_own_company_s_dead_letters_only_and_no_work_of_the_installation(
    two_companies, fail, databases, clock, row
):
    own, other = two_companies
    (mine,), (theirs,) = await fail(own), await fail(other)
    async with databases.control() as control:
        (mail,) = await enqueue(control, NewJob("mail.send", turn_of=own.ref))
        await control.fetch("UPDATE work.job SET state = 'failed', finished_at = now() WHERE id = $1", mail)
        asked = {"tenant": own.ref.schema, "member_id": new_id(), "now": clock.now()}
        assert await replay(control, ids=[theirs, mail], **asked) == []
        assert await replay(control, **asked) == [mine]
        assert await replay(control, **asked) == []
        assert await control.fetchval("SELECT count(*) FROM work.replay") == 1
    assert [(await row(each))["state"] for each in (mine, theirs, mail)] == ["waiting", "failed", "failed"]


async def test_the_operator_replays_by_kind(two_companies, fail, databases, clock):
    own, other = two_companies
    failed = {*(await fail(own, 2)), *(await fail(other))}
    async with databases.control() as control:
        assert await replay(control, kind="something.else", now=clock.now()) == []
        assert set(await replay(control, kind="two.steps", now=clock.now())) == failed
        assert await control.fetchval("SELECT count(*) FROM work.replay WHERE member_id IS NULL") == 3


async def test_what_fails_again_while_all_are_begun_anew_is_not_begun_without_end(
    company, fail, databases, clock
):
    first, second = sorted(await fail(company, 2))
    async with databases.control() as control:
        assert await replay(control, behind=first, now=clock.now()) == [second]
        assert await replay(control, behind=second, now=clock.now()) == []


async def test_a_company_s_open_jobs_are_found_without_reading_those_that_ended(
    two_companies, databases, database_superuser_url
):
    own, other = two_companies
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO work.job (id, tenant, kind, state, finished_at)"
            " SELECT gen_random_uuid(), $1, 'two.steps', 'done', now() FROM generate_series(1, 5000)",
            other.ref.schema,
        )
    owner = await asyncpg.connect(database_superuser_url)
    await owner.execute("ANALYZE work.job")
    await owner.close()
    async with databases.tenant_read(own.ref) as read:
        for statement in (keeping._OWN_OPEN, keeping._OWN_FAILED):
            plan = await read.fetch(f"EXPLAIN {statement}", keeping._LAST, 50)
            told = "\n".join(row[0] for row in plan)
            assert "Seq Scan" not in told, told
            assert "job_pkey" not in told, told


async def test_what_has_not_failed_is_passed_over(company, databases, clock, row):
    async with databases.tenant_write(company.ref) as write:
        (waiting,) = await enqueue(write, NewJob("two.steps"))
    before = await row(waiting)
    async with databases.control() as control:
        assert await replay(control, ids=[waiting], now=clock.now()) == []
    assert await row(waiting) == before


async def test_lists_tell_states_and_ages_and_nothing_of_what_a_job_is_about(
    two_companies, fail, databases, clock
):
    own, other = two_companies
    (dead,) = await fail(own, payload={"name": "Fuller"})
    async with databases.tenant_write(other.ref) as write:
        waiting = await enqueue(write, NewJob("greet", {"name": "Zhou"}), NewJob("greet"))
    async with databases.control_read() as read:
        standing = {each.tenant: each for each in await lanes(read, now=clock.now())}
        (letter,) = await dead_letters(read)
        listed = await lines(read, states=["waiting"], kind="greet", tenant=other.ref.schema)
    assert (standing[own.ref.schema].failed, standing[own.ref.schema].waiting) == (1, 0)
    assert (standing[other.ref.schema].failed, standing[other.ref.schema].due) == (0, 2)
    assert (letter.id, letter.kind, letter.error_code, letter.replays) == (
        dead,
        "two.steps",
        "BAD_USER_INPUT",
        0,
    )
    assert [each.id for each in listed] == waiting
    assert "Fuller" not in f"{letter}"
    assert "Zhou" not in f"{listed}"


async def test_a_company_sees_its_own_jobs_page_by_page_and_nothing_that_the_installation_does_for_it(
    two_companies, fail, databases
):
    own, other = two_companies
    (dead,) = await fail(own)
    async with databases.tenant_write(own.ref) as write:
        first, second, third = await enqueue(write, *(NewJob("greet") for _ in range(3)))
    async with databases.control() as control:
        await enqueue(control, NewJob("mail.send", turn_of=own.ref))
    async with databases.tenant_read(own.ref) as read:
        page = await own_jobs(read, failed=False, first=2)
        rest = await own_jobs(read, failed=False, first=2, before=page[-1].id)
        failed = await own_jobs(read, failed=True, first=2)
    assert [job.id for job in page + rest] == [third, second, first]
    assert [(job.id, job.state, job.error_code, job.tries) for job in failed] == [
        (dead, "failed", "BAD_USER_INPUT", 1)
    ]
    async with databases.tenant_read(other.ref) as read:
        assert await own_jobs(read, failed=False, first=9) == await own_jobs(read, failed=True, first=9) == []
