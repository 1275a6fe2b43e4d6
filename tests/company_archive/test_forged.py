"""Archives that were damaged or forged make no company; one of a living company makes one that tells nobody anything."""

import zipfile
from hashlib import sha256

import orjson
import pytest

from kedang_migrations.runner import build_spares
from kedang_platform.registry import find_company, recurring_companies
from kedang_tenants.leaving.archives import ArchiveUnreadable
from kedang_tenants.leaving.importing import import_company
from kedang_tenants.leaving.to_file import export_to_file
from tests.support.database import SPARES
from tests.support.factories import Factory
from tests.support.members import make_member

pytestmark = pytest.mark.requirement("T7", "O2")


@pytest.fixture
async def parts(databases, company, files, clock, tmp_path):
    """What an archive of a company with an owner, a dismissed member, a tag and a webhook holds."""
    await make_member(databases, company, "OWNER", name="Nancy")
    dismissed = await make_member(databases, company, "SALES_REPRESENTATIVE", name="Janet")
    factory = Factory(databases, company)
    await factory.one("tag", name="Key account")
    await factory.one("webhook", name="Shop", url="https://shop.example/", events=["CUSTOMER_CREATED"])
    path = tmp_path / "whole.zip"
    await export_to_file(databases, company, path, files=files, product="test", clock=clock)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.membership SET state = 'suspended' WHERE member_id = $1", dismissed.id
        )
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(path, parts, *, sums=True, **changed):
    """An archive with other parts, whose manifest says that they are right."""
    parts = parts | {name.replace("__", "/").replace("_dot_", "."): part for name, part in changed.items()}
    manifest = orjson.loads(parts.pop("manifest.json"))
    if sums:
        manifest["parts"] = [
            {"path": name, "rows": None, "bytes": len(part), "sha256": sha256(part).hexdigest()}
            for name, part in parts.items()
        ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in (parts | {"manifest.json": orjson.dumps(manifest)}).items():
            archive.writestr(name, part)
    return path


def altered(part, **values):
    return orjson.dumps(orjson.loads(part) | values)


async def everything(databases):
    async with databases.control_read() as read:
        return [
            await read.fetch(f"SELECT * FROM platform.{table} ORDER BY 1, 2")
            for table in ("company", "person", "membership", "mail")
        ]


async def test_whatever_is_wrong_with_an_archive_is_told_by_its_place_and_changes_nothing(
    databases, company, files, clock, tmp_path, parts
):
    await build_spares(databases, count=SPARES)
    before = await everything(databases)
    told, people = parts["company.json"], parts["people.jsonl"].splitlines(keepends=True)
    tag = parts["records/tag.jsonl"]
    for name, changed, place in (
        ("an entry that leads out", {"files__..__..__evil": b"x"}, "files/../../evil"),
        ("no object", {"company_dot_json": b"[]"}, "company.json"),
        ("a time zone of nowhere", {"company_dot_json": altered(told, timeZone="Mars/Base")}, "company.json"),
        ("a handle that is none", {"company_dot_json": altered(told, handle="../x")}, "company.json"),
        ("no name", {"company_dot_json": altered(told, name=" ")}, "company.json"),
        ("no address", {"people_dot_jsonl": altered(people[0], email="nobody")}, "people.jsonl"),
        ("no id", {"records__tag_dot_jsonl": b'{"id":"zzz"}\n'}, "records/tag.jsonl"),
        ("other columns", {"records__tag_dot_jsonl": altered(tag, name=None)}, "records/tag.jsonl"),
        ("a row twice", {"records__tag_dot_jsonl": tag + tag}, "records/tag.jsonl"),
        ("a reference to nothing", {"records__member_dot_jsonl": b""}, "webhook"),
    ):
        path = forged(tmp_path / f"{name}.zip", parts, **changed)
        with pytest.raises(ArchiveUnreadable) as refused:
            await import_company(databases, path, files=files, settings=databases.settings, clock=clock)
        assert (name, refused.value.params["place"]) == (name, place)
        assert await everything(databases) == before
        await build_spares(databases, count=SPARES)


async def test_an_import_that_ends_late_leaves_the_accounts_of_this_place(
    databases, company, files, clock, tmp_path, parts
):
    people = [orjson.loads(line) for line in parts["people.jsonl"].splitlines()]
    people[0]["email"] = people[1]["email"] = "robert@x.example"  # the second is one membership too many
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.person (id, email, name, language, confirmed_at, created_at)"
            " VALUES (gen_random_uuid(), 'robert@x.example', 'Robert', 'en', now(), now())"
        )
    path = forged(tmp_path / "twice.zip", parts, people_dot_jsonl=b"\n".join(map(orjson.dumps, people)))
    before = await everything(databases)
    with pytest.raises(ArchiveUnreadable):
        await import_company(databases, path, files=files, settings=databases.settings, clock=clock)
    assert await everything(databases) == before
    await build_spares(databases, count=SPARES)


async def test_a_company_that_comes_to_stand_beside_itself_is_quiet(
    databases, company, files, clock, tmp_path, parts
):
    path = forged(tmp_path / "whole.zip", parts)
    done = await import_company(databases, path, files=files, settings=databases.settings, clock=clock)
    assert done.company.id != company.id
    async with databases.control_read() as read:
        assert (await find_company(read, company_id=done.company.id)).status == "active"
        assert {each.id for each in await recurring_companies(read)} == {company.id}
        states = await read.fetch(
            "SELECT p.name, m.state, m.seat FROM platform.membership m JOIN platform.person p ON p.id = m.person_id"
            " WHERE m.company_id = $1 ORDER BY p.name",
            done.company.id,
        )
    # Whom the living company has dismissed since is not asked back in.
    assert [tuple(row) for row in states] == [("Janet", "suspended", "none"), ("Nancy", "invited", "full")]
    assert len(done.invited) == 1
    async with databases.tenant_read(done.company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM webhook WHERE NOT active") == 1
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM webhook WHERE active") == 1
    await build_spares(databases, count=SPARES)
