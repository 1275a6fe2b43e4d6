"""What an owner does with the company as a whole, over the API: prove who they are, export, fetch, let go, keep."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from kedang_platform.files.local import LocalFiles
from kedang_platform.identity.sessions import start_session
from kedang_platform.work import NewJob, enqueue
from tests.support.factories import Factory
from tests.support.gateway import GraphQLAnswer
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("T7")
EXPORT = "mutation { exportCompany { companyExport { id state } userErrors { code path } } }"
EXPORTS = "{ companyExports { id state rows size sha256 finishedAt } }"
DOWNLOAD = "query ($id: ID!) { companyExportDownload(id: $id) { url expiresAt } }"
DELETE = """mutation ($name: String!) {
  deleteCompany(input: {confirmName: $name}) { deletion { requestedAt dueAt } userErrors { code path } } }"""
KEEP = "mutation { keepCompany { done userErrors { code } } }"
DELETION = "{ companyDeletion { dueAt } }"


class Person:
    """Somebody at a browser: a session that was proved some minutes ago."""

    def __init__(self, gateway, token):
        self.client = gateway.client()
        self.client.http.headers["cookie"] = f"kedang={token}"

    async def __call__(self, query, **variables) -> GraphQLAnswer:
        return await self.client(query, variables)


@pytest.fixture
async def sit_down(gateway, databases, company):
    async def sit(role, *, minutes_ago=0, member=None):
        member = member or await make_member(databases, company, role)
        async with databases.control() as control:
            token = await start_session(
                control,
                person_id=member.person_id,
                company_id=company.id,
                user_agent="",
                now=datetime.now(UTC) - timedelta(minutes=minutes_ago),
            )
        return Person(gateway, token)

    return sit


async def exported(owner, databases, gateway):
    made = (await owner(EXPORT)).data["exportCompany"]
    assert (made["companyExport"]["state"], made["userErrors"]) == ("RUNNING", [])
    again = (await owner(EXPORT)).data["exportCompany"]["companyExport"]["id"]
    assert again == made["companyExport"]["id"]
    await run_jobs(databases, settings=gateway.services.settings)
    (told,) = (await owner(EXPORTS)).data["companyExports"]
    assert told["id"] == again
    return told


async def test_an_owner_takes_everything_along(sit_down, databases, company, gateway):
    factory = Factory(databases, company)
    await factory.many("customer", [{"name": f"Customer {n}"} for n in range(3)])
    owner = await sit_down("OWNER")
    told = await exported(owner, databases, gateway)
    assert told["state"] == "DONE"
    link = (await owner(DOWNLOAD, id=told["id"])).data["companyExportDownload"]["url"]
    fetched = await gateway.client().http.get(link.replace(gateway.services.settings.base_url, gateway.url))
    assert fetched.status_code == 200
    assert fetched.headers["content-type"] == "application/zip"
    assert (len(fetched.content), hashlib.sha256(fetched.content).hexdigest()) == (
        told["size"],
        told["sha256"],
    )
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        customers = [orjson.loads(line) for line in archive.read("records/customer.jsonl").splitlines()]
        sheet = archive.read("records/customer.csv").decode().splitlines()
        manifest = orjson.loads(archive.read("manifest.json"))
    assert [customer["name"] for customer in customers] == ["Customer 0", "Customer 1", "Customer 2"]
    assert len(sheet) == 4
    assert (manifest["format"], manifest["version"], manifest["missingFiles"]) == ("kedang-company", 1, [])
    files = LocalFiles(gateway.services.settings.var / "files")
    left = [p for p in (files._folder / company.ref.schema).rglob("*") if p.is_file()]
    assert len(left) == 1  # the archive itself: no piece is left behind
    wrong = await gateway.client().http.get(f"{gateway.url}/company-exports/{'A' * 80}")
    assert wrong.status_code == 403
    async with databases.tenant_read(company.ref) as read:
        noted = await read.fetch("SELECT action FROM audit WHERE record = 'company_export'")
    assert [row["action"] for row in noted] == ["company_export.requested"]


@pytest.mark.parametrize("query", [EXPORT, DELETE, KEEP, DOWNLOAD])
async def test_only_owners_who_proved_themselves_lately(sit_down, databases, company, gateway, query):
    variables = {"name": company.name, "id": f"archive_{company.id.hex}"}
    asked = {name: value for name, value in variables.items() if f"${name}" in query}
    assert (await (await sit_down("ADMIN"))(query, **asked)).codes == ["FORBIDDEN"]
    assert (await (await sit_down("OWNER", minutes_ago=16))(query, **asked)).codes == [
        "REAUTHENTICATION_REQUIRED"
    ]
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    assert (await gateway.client(bearer=key)(query, asked)).codes == ["FORBIDDEN"]
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company_export") == 0
        assert await read.fetchval("SELECT count(*) FROM platform.company_deletion") == 0


async def test_a_company_that_goes_is_closed_to_all_but_its_owner(sit_down, databases, company, gateway):
    owner_member = await make_member(databases, company, "OWNER")
    owner, other = await sit_down("OWNER", member=owner_member), await sit_down("ADMIN")
    refused = (await owner(DELETE, name="Something else")).data["deleteCompany"]
    assert refused == {
        "deletion": None,
        "userErrors": [{"code": "NAME_NOT_CONFIRMED", "path": ["input", "confirmName"]}],
    }
    before = datetime.now(UTC)
    deletion = (await owner(DELETE, name=company.name)).data["deleteCompany"]["deletion"]
    due = datetime.fromisoformat(deletion["dueAt"])
    assert timedelta(days=30) <= due - before < timedelta(days=30, minutes=1)
    for person in (owner, other):
        assert (await person("{ customers { nodes { id } } }")).codes == ["COMPANY_INACTIVE"]
    assert (await other(KEEP)).codes == ["FORBIDDEN"]
    assert (await owner(DELETION)).data["companyDeletion"]["dueAt"] == deletion["dueAt"]
    assert (await exported(owner, databases, gateway))["state"] == "DONE"
    assert (await owner(KEEP)).data["keepCompany"] == {"done": True, "userErrors": []}
    assert (await other("{ customers { nodes { id } } }")).data == {"customers": {"nodes": []}}
    assert (await owner(DELETION)).data["companyDeletion"] is None
    assert (await owner(KEEP)).data["keepCompany"]["userErrors"] == [{"code": "COMPANY_NOT_DELETING"}]


async def test_a_worker_that_dies_goes_on_behind_its_last_piece(
    sit_down, databases, company, gateway, monkeypatch
):
    """The first try ends in the middle; the second reads no table again that was stored."""
    from kedang_tenants.leaving import exporting

    owner = await sit_down("OWNER")
    await owner(EXPORT)
    read: list[str] = []
    page = exporting._page

    async def dying(databases, company, shape, after):
        read.append(shape.name)
        if shape.name == "customer" and read.count("customer") == 1:
            raise ConnectionError
        return await page(databases, company, shape, after)

    monkeypatch.setattr(exporting, "_page", dying)
    settings = gateway.services.settings
    await run_jobs(databases, settings=settings, strict=False)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET due_at = now() - interval '1 day' WHERE kind = 'leaving.export_company'"
        )
        await enqueue(control, NewJob("work.remove_ended"))
    await run_jobs(databases, settings=settings)
    (told,) = (await owner(EXPORTS)).data["companyExports"]
    assert told["state"] == "DONE"
    assert read.count("customer") == 2
    assert {name for name in read if read.count(name) > 1} == {"customer"}
