"""`kedang company export|import|delete` and `kedang audit verify`."""

import asyncio
import json
import zipfile
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from kedang_migrations.runner import build_spares
from kedang_tenants.changing.sealing import seal
from kedang_workers.cli.commands import app
from tests.company_archive.test_round_trip import LATER
from tests.support.database import SPARES
from tests.support.factories import Factory
from tests.support.members import make_member

pytestmark = pytest.mark.requirement("O2", "T7")


@pytest.fixture
def kedang(work_environment):
    """The command line in a thread of its own, for it brings its own event loop."""
    environment = work_environment | {"LC_ALL": "C.UTF-8", "KEDANG_SPARE_SCHEMAS": str(SPARES)}

    async def run(*arguments):
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


async def test_a_company_leaves_is_removed_and_comes_back(kedang, databases, company, tmp_path):
    owner = await make_member(databases, company, "OWNER")
    await Factory(databases, company).one("customer", name="Alfreds")
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET status = 'suspended' WHERE id = $1", company.id)
        email = await control.fetchval("SELECT email FROM platform.person WHERE id = $1", owner.person_id)
    archive = tmp_path / "northwind.zip"
    code, output, errors = await kedang("company", "export", company.name, "--to", str(archive), "--json")
    assert (code, errors) == (0, "")
    told = json.loads(output)
    assert (told["company"], told["bytes"], told["rows"]["customer"]) == (
        str(company.id),
        archive.stat().st_size,
        1,
    )
    assert archive.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    code, output, _ = await kedang("company", "export", company.name, "--to", str(archive), "--json")
    assert (code, json.loads(output)["error"]["code"]) == (1, "FILE_EXISTS")

    for folder in (tmp_path / "nowhere", archive):
        code, output, _ = await kedang(
            "company", "export", company.name, "--to", str(folder / "a.zip"), "--json"
        )
        error = json.loads(output)["error"]
        assert (code, error["code"], str(folder) in error["message"]) == (1, "FOLDER_UNUSABLE", True)

    code, output, _ = await kedang("company", "delete", company.name, "--confirm", "Southwind", "--json")
    assert (code, json.loads(output)["error"]["code"]) == (1, "NOT_CONFIRMED")
    code, output, _ = await kedang("company", "delete", company.name, "--confirm", company.name, "--json")
    assert (code, json.loads(output)["deleted"]) == (0, False)
    assert (await kedang("company", "delete", company.name, "--keep"))[:2] == (
        0,
        f"{company.name} is kept.\n",
    )
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT status FROM platform.company") == "suspended"
    gone = await kedang("company", "delete", str(company.id), "--confirm", company.name, "--now")
    assert gone == (0, f"{company.name} is gone with everything.\n", "")
    assert (await kedang("company", "export", company.name, "--to", str(tmp_path / "no.zip")))[0] == 1
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == 0

    code, output, errors = await kedang("company", "import", str(archive), "--json")
    assert (code, errors) == (0, "")
    back = json.loads(output)
    assert (back["company"], back["rows"], back["invited"]) == (str(company.id), told["rows"], [email])
    await build_spares(databases, count=SPARES)


async def test_what_is_no_archive_makes_no_company(kedang, databases, company, tmp_path):
    archive, broken, text = tmp_path / "a.zip", tmp_path / "b.zip", tmp_path / "c.zip"
    assert (await kedang("company", "export", company.name, "--to", str(archive)))[0] == 0
    with zipfile.ZipFile(archive) as good, zipfile.ZipFile(broken, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(
                name, content.replace(b"Northwind", b"Southwind") if name == "company.json" else content
            )
    text.write_text("no archive")
    for path, place in ((broken, "company.json"), (text, str(text)), (Path("missing.zip"), "missing.zip")):
        code, output, _ = await kedang("company", "import", str(path), "--json")
        error = json.loads(output)["error"]
        assert (code, error["code"]) == (1, "ARCHIVE_UNREADABLE")
        assert error["message"].endswith(place)
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == 1


async def test_a_trail_is_verified(kedang, databases, company, database_superuser_url):
    await Factory(databases, company).many("customer", [{"name": "Alfreds"}, {"name": "Berglunds"}])
    await seal(databases, company.ref, clock=LATER)
    code, output, _ = await kedang("audit", "verify", company.name)
    assert (code, output) == (
        0,
        "The trail is whole: 2 entries under 1 seals, 0 wait for theirs, 0 erased.\n",
    )
    connection = await asyncpg.connect(database_superuser_url)
    sequence = await connection.fetchval(f"DELETE FROM {company.ref.schema}.audit WHERE sequence ="
                                         f" (SELECT max(sequence) FROM {company.ref.schema}.audit) RETURNING sequence")  # fmt: skip
    await connection.close()
    code, output, _ = await kedang("audit", "verify", company.name, "--json")
    told = json.loads(output)
    assert (code, told["intact"], told["broken"]["kind"]) == (5, False, "ENTRIES_MISSING")
    assert told["broken"]["lastSequence"] == sequence
