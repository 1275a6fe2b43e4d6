"""Links to files of another company, imports that name its records, exports that ask for them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from kedang_platform.files.links import DownloadGrant, UploadGrant
from tests.imports.test_api import EXPORT, IMPORT, START, download, upload
from tests.support.digests import digests
from tests.support.workers import run_jobs
from tests.wall.sides import Side

UPLOAD = """
mutation { prepareUpload(input: {name: "a.csv", size: 4}) { fileId uploadUrl } }"""


def inside(public: str) -> UUID:
    return UUID(hex=public.partition("_")[2])


async def link(method: str, side: Side, token: str, content: bytes = b"") -> httpx.Response:
    async with httpx.AsyncClient(base_url=side.gateway.url) as anybody:
        return await anybody.request(method, f"/files/{token}", content=content)


@pytest.mark.requirement("A11", "A17")
async def test_a_link_of_one_company_opens_no_file_of_another(sides):
    own, other = sides
    links = own.gateway.services.file_links
    company = own.factory.company.id
    stored = inside((await other.input_of("startImport"))["fileId"])
    awaited = inside((await other.ask(UPLOAD)).data["prepareUpload"]["fileId"])
    refs = [side.factory.company.ref for side in sides]
    before = await digests(own.factory.databases, *refs)
    later = datetime.now(UTC) + timedelta(minutes=5)
    answers = [
        await link("GET", own, links.sign_download(DownloadGrant(company, file), expires_at=later))
        for file in (stored, uuid4())
    ]
    answers += [
        await link(
            "PUT", own, links.sign_upload(UploadGrant(company, file, 4, "CSV"), expires_at=later), b"a,b\n"
        )
        for file in (awaited, stored, uuid4())
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert answers[0].json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    assert await digests(own.factory.databases, *refs) == before


@pytest.mark.requirement("A17")
async def test_a_link_whose_company_is_exchanged_is_none(sides):
    own, other = sides
    file = (await own.input_of("startImport"))["fileId"]
    url = (await own.ask("query ($id: ID!) { fileDownloadUrl(id: $id) { url } }", {"id": file})).data
    token = url["fileDownloadUrl"]["url"].rpartition("/")[2]
    assert (await link("GET", own, token)).status_code == 200
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert (await link("GET", other, changed)).status_code == 403, place


async def work(side: Side) -> None:
    """Do what is due, in every company."""
    await run_jobs(side.factory.databases, settings=side.gateway.services.settings)


async def imported(side: Side, record: str, content: str, **more: object) -> dict[str, object]:
    file = await upload(side.ask, content.encode())
    started = await side.ask(START, {"input": {"fileId": file, "record": record, **more}})
    assert started.data["startImport"]["userErrors"] == []
    await work(side)
    return (await side.ask(IMPORT, {"id": started.data["startImport"]["record"]["id"]})).data["import"]


@pytest.mark.requirement("A9", "A11")
async def test_an_import_finds_no_record_of_another_company_by_its_key(sides):
    own, other = sides
    await other.factory.one("customer", number="RIVAL-1", name="Secret")
    rival = other.factory.company.ref
    await work(own)
    before = await digests(other.factory.databases, rival, besides=())
    done = await imported(own, "customer", "number,name\nRIVAL-1,Mine\n", mode="UPDATE")
    assert (done["updated"], done["created"], done["rejected"]) == (0, 0, 1)
    done = await imported(own, "customer", "number,name\nRIVAL-1,Mine\n")
    assert (done["created"], done["rejected"]) == (1, 0)
    assert await digests(other.factory.databases, rival, besides=()) == before


@pytest.mark.requirement("A9", "A11")
async def test_an_import_refers_to_no_record_of_another_company(sides):
    own, other = sides
    await other.factory.one("customer", number="RIVAL-1", name="Secret")
    async with other.factory.databases.tenant_read(other.factory.company.ref) as read:
        email = await read.fetchval("SELECT email FROM member WHERE id = $1", other.owner.id)
    rival = other.factory.company.ref
    await work(own)
    before = await digests(other.factory.databases, rival, besides=())
    content = (
        f"number,name,parent,owner\n1,A,RIVAL-1,\n2,B,,{email}\n3,C,NOBODY-1,\n4,D,,nobody@x.example\n5,E,,\n"
    )
    done = await imported(own, "customer", content)
    assert (done["created"], done["rejected"]) == (1, 4)
    rejected = (await download(own.ask, done["rejectedFile"]["id"])).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(rejected)))
    reasons = [row["Reason"].replace("RIVAL-1", "?").replace(email, "?") for row in rows]
    nobody = [row["Reason"].replace("NOBODY-1", "?").replace("nobody@x.example", "?") for row in rows]
    assert len({row["Error code"] for row in rows}) == 1
    assert reasons[:2] == nobody[2:], "what another company has and what nobody has is told alike"
    assert "Secret" not in rejected
    assert await digests(other.factory.databases, rival, besides=()) == before


@pytest.mark.requirement("A9", "A11")
async def test_an_export_brings_no_record_of_another_company(sides):
    own, other = sides
    for where, rows in (
        ({"id": {"eq": own.ids["cus"]}}, 1),
        ({"id": {"eq": other.ids["cus"]}}, 0),
        ({"OR": [{"id": {"in": [other.ids["cus"]]}}, {"ownerId": {"eq": other.ids["mem"]}}]}, 0),
        ({"contacts": {"some": {"id": {"eq": other.ids["con"]}}}}, 0),
    ):
        asked = await own.ask(EXPORT, {"input": {"record": "customer", "where": where}})
        assert asked.data["exportRecords"]["userErrors"] == []
        await work(own)
        export = {"id": asked.data["exportRecords"]["record"]["id"]}
        told = await own.ask("query ($id: ID!) { export(id: $id) { state file { id } } }", export)
        assert told.data["export"]["state"] == "DONE"
        content = (await download(own.ask, told.data["export"]["file"]["id"])).decode("utf-8-sig")
        assert len(list(csv.DictReader(io.StringIO(content)))) == rows, where
