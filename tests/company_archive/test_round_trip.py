"""A company leaves with everything and is the same elsewhere: exported again, every part is equal byte by byte."""

import zipfile
from datetime import UTC, datetime
from random import Random

import orjson
import pytest

from kedang_platform.clock import FixedClock
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing.erasing import forget
from kedang_tenants.changing.sealing import seal
from kedang_tenants.changing.verifying import verify
from kedang_tenants.files.operations import keep_file
from kedang_tenants.leaving.importing import import_company
from kedang_tenants.leaving.to_file import export_to_file
from kedang_tenants.people.viewers import system_viewer
from tests.reading.population import populate
from tests.support.factories import Factory

pytestmark = pytest.mark.requirement("T7")
LATER = FixedClock(datetime(2100, 1, 1, tzinfo=UTC))


async def chunks(content):
    yield content


@pytest.fixture
async def full_company(databases, company, database_superuser_url, files):
    """Random records of every kind, own fields and archived ones among them, a file with content, sealed and erased audit."""
    factory = Factory(databases, company)
    await populate(factory, Random(5), database_superuser_url)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        stored = await files.put(company.ref, chunks("=客户,a\r\n".encode()))
        await keep_file(write, viewer, name="list.csv", stored=stored, member_id=None, clock=factory.clock)
        contact = await write.fetchval("SELECT id FROM contact ORDER BY id LIMIT 1")
    await forget(databases, company.ref, records={"contact": [contact]}, clock=factory.clock)
    assert await seal(databases, company.ref, clock=LATER) >= 1
    return company


async def exported(databases, company, path, files, clock):
    archived = await export_to_file(databases, company, path, files=files, product="test", clock=clock)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        parts = {name: archive.read(name) for name in archive.namelist()}
    return archived, parts


async def test_everything_arrives_and_leaves_again_as_it_was(
    databases, elsewhere, full_company, files, tmp_path, clock
):
    archived, parts = await exported(databases, full_company, tmp_path / "one.zip", files, clock)
    there = type(files)(tmp_path / "elsewhere")
    imported = await import_company(
        elsewhere, tmp_path / "one.zip", files=there, settings=elsewhere.settings, clock=clock
    )
    assert imported.rows == archived.rows
    assert imported.company.id == full_company.id
    assert imported.company.ref.schema != full_company.ref.schema
    assert (imported.files, imported.uninvited) == (1, [])

    later = FixedClock(datetime(2031, 1, 1, tzinfo=UTC))
    _, again = await exported(elsewhere, imported.company, tmp_path / "two.zip", there, later)
    manifests = [orjson.loads(found.pop("manifest.json")) for found in (parts, again)]
    same = {name for name in parts if not name.startswith("books/")}
    assert {name for name in again if not name.startswith("books/")} == same
    assert [name for name in sorted(same) if parts[name] != again[name]] == []
    assert manifests[0].pop("madeAt") != manifests[1].pop("madeAt")
    for manifest in manifests:
        manifest["parts"] = [part for part in manifest["parts"] if not part["path"].startswith("books/")]
    assert manifests[0] == manifests[1]
    assert {f"records/{record.name}.jsonl" for record in catalogue()} <= same
    assert sum(manifest["rows"] or 0 for manifest in manifests[0]["parts"]) > 2_000

    async with elsewhere.tenant_read(imported.company.ref) as read:
        verified = await verify(read)
        tokens = await read.fetchval(
            "SELECT count(*) FROM customer WHERE search_tokens IS NULL OR name_sort IS NULL"
        )
    assert (verified.intact, verified.unsealed, verified.erased > 0) == (True, 0, True)
    assert tokens == 0
    await same_derived(databases, full_company, elsewhere, imported.company)
    await nobody_is_inside(elsewhere, imported)


async def same_derived(databases, company, elsewhere, imported):
    """Search words and sorting are made anew, and are what they were."""
    found = []
    for place, ref in ((databases, company.ref), (elsewhere, imported.ref)):
        async with place.tenant_read(ref) as read:
            found.append(
                await read.fetch(
                    "SELECT id, name_sort, search_text, search_tokens, phone_reversed FROM customer ORDER BY id"
                )
            )
    assert found[0] == found[1]
    assert len(found[0]) >= 45


async def nobody_is_inside(elsewhere, imported):
    """Everybody is invited: the owner and the next hold the two seats, nobody has a password."""
    async with elsewhere.control_read() as read:
        rows = await read.fetch(
            "SELECT m.seat, m.state, p.password_hash, p.email FROM platform.membership m"
            " JOIN platform.person p ON p.id = m.person_id WHERE m.company_id = $1",
            imported.company.id,
        )
        mails = await read.fetchval("SELECT count(*) FROM platform.mail WHERE key LIKE 'invitation:%'")
    assert {(row["state"], row["password_hash"]) for row in rows} == {("invited", None)}
    assert [row["seat"] for row in rows].count("full") == 2
    assert sorted(row["email"] for row in rows) == sorted(imported.invited)
    assert mails == len(rows) >= 14
