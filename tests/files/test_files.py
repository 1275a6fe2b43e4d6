"""Files from end to end: announced by GraphQL, sent and fetched by signed links, over the real gateway."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kedang_graphql.engine.ids import public_id, record_id
from kedang_platform.clock import SystemClock
from kedang_platform.errors import NotFound
from kedang_platform.files import DownloadGrant, UploadGrant
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change
from kedang_tenants.files import keep_file, stored_content, visible_content
from kedang_tenants.people.viewers import system_viewer
from tests.support.members import make_key, make_member, viewer_of

CSV = "客户,电话\n阿里,010\n".encode()
PREPARE = """
mutation ($name: String!, $size: Int!, $attachedTo: ID) {
  prepareUpload(input: {name: $name, size: $size, attachedTo: $attachedTo}) {
    fileId uploadUrl expiresAt userErrors { path message code }
  }
}"""
FILE = "query ($id: ID!) { file(id: $id) { name kind contentType size sha256 state attachedTo version } }"
DOWNLOAD = "query ($id: ID!) { fileDownloadUrl(id: $id) { url expiresAt } }"


class Office:
    """A company with its owner, who speaks to the gateway."""

    def __init__(self, gateway, company, member, client):
        self.gateway, self.company, self.member, self.ask = gateway, company, member, client

    async def prepare(self, name="客户.csv", size=None, attached_to=None):
        given = {"name": name, "size": len(CSV) if size is None else size, "attachedTo": attached_to}
        answer = await self.ask(PREPARE, given)
        return answer.data["prepareUpload"]

    async def send(self, url, content=CSV, **headers):
        return await self.ask.http.put(self._here(url), content=content, headers=headers)

    async def fetch(self, url):
        return await self.ask.http.get(self._here(url))

    async def sent(self, name="客户.csv", content=CSV, attached_to=None) -> str:
        prepared = await self.prepare(name, len(content), attached_to)
        answer = await self.send(prepared["uploadUrl"], content)
        assert answer.status_code == 204, answer.text
        return prepared["fileId"]

    async def file(self, file_id):
        return (await self.ask(FILE, {"id": file_id})).data["file"]

    async def link(self, file_id):
        return (await self.ask(DOWNLOAD, {"id": file_id})).data["fileDownloadUrl"]

    def contents(self) -> list[Path]:
        """What lies in the store, drafts included."""
        folder = self.gateway.services.settings.var / "files" / self.company.ref.schema
        return [path for path in folder.rglob("*") if path.is_file()]

    def _here(self, url):
        return url[url.index("/files/") :]


async def open_office(databases, gateway, company, *roles) -> Office:
    member = await make_member(databases, company, *(roles or ("OWNER",)))
    key = await make_key(databases, member, key=gateway_key(gateway))
    return Office(gateway, company, member, gateway.client(key, "en"))


def gateway_key(gateway):
    return gateway.services.identity.key


@pytest.fixture
async def office(databases, gateway, company) -> Office:
    office = await open_office(databases, gateway, company)
    for left in office.contents():
        left.unlink()
    return office


@pytest.mark.requirement("A17")
async def test_a_file_is_announced_sent_and_fetched(office):
    prepared = await office.prepare()
    assert prepared["userErrors"] == []
    assert await office.link(prepared["fileId"]) is None
    assert (await office.file(prepared["fileId"]))["state"] == "PENDING"

    assert (await office.send(prepared["uploadUrl"])).status_code == 204
    assert await office.file(prepared["fileId"]) == {
        "name": "客户.csv",
        "kind": "CSV",
        "contentType": "text/csv",
        "size": len(CSV),
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "state": "STORED",
        "attachedTo": None,
        "version": 2,
    }

    answer = await office.fetch((await office.link(prepared["fileId"]))["url"])
    assert answer.status_code == 200
    assert answer.content == CSV
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["content-length"] == str(len(CSV))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"__.csv\"; filename*=UTF-8''%E5%AE%A2%E6%88%B7.csv"
    )


async def test_a_file_is_sent_once(office):
    prepared = await office.prepare()
    assert (await office.send(prepared["uploadUrl"])).status_code == 204
    again = await office.send(prepared["uploadUrl"], b"x" * len(CSV))
    assert again.status_code == 409
    assert again.json()["errors"][0]["extensions"]["code"] == "FILE_ALREADY_STORED"
    assert [path.read_bytes() for path in office.contents()] == [CSV]


async def test_of_two_who_send_at_once_one_is_taken(office):
    prepared = await office.prepare(size=600_000, name="a.txt")
    answers = await asyncio.gather(
        *(office.send(prepared["uploadUrl"], sign * 600_000) for sign in (b"a", b"b"))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    (content,) = office.contents()
    file = await office.file(prepared["fileId"])
    assert file["sha256"] == hashlib.sha256(content.read_bytes()).hexdigest()


@pytest.mark.requirement("A17")
@pytest.mark.parametrize(
    ("name", "size", "content", "status", "code"),
    [
        ("a.csv", len(CSV) - 1, CSV, 413, "FILE_TOO_LARGE"),
        ("a.csv", len(CSV) + 1, CSV, 400, "FILE_INCOMPLETE"),
        ("a.xlsx", len(CSV), CSV, 415, "FILE_KIND_REFUSED"),
    ],
)
async def test_content_that_was_not_announced_is_refused_and_leaves_nothing(
    office, name, size, content, status, code
):
    prepared = await office.prepare(name, size)
    before = await office.file(prepared["fileId"])
    answer = await office.send(prepared["uploadUrl"], content)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert await office.file(prepared["fileId"]) == before
    assert office.contents() == []


@pytest.mark.parametrize(
    ("name", "size", "code", "path"),
    [
        ("a.exe", 10, "FILE_KIND_REFUSED", ["input", "name"]),
        ("a.csv", 100_000_000, "FILE_TOO_LARGE", ["input", "size"]),
        ("a.csv", -1, "FILE_TOO_LARGE", ["input", "size"]),
        ("../", 10, "BAD_USER_INPUT", ["input", "name"]),
    ],
)
async def test_what_is_not_taken_is_refused_when_it_is_announced(databases, office, name, size, code, path):
    prepared = await office.prepare(name, size)
    assert prepared["uploadUrl"] is None
    assert [(error["code"], error["path"]) for error in prepared["userErrors"]] == [(code, path)]
    async with databases.tenant_read(office.company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM file") == 0


async def test_names_lose_folders_and_tricks(office):
    file = await office.file((await office.prepare("..\\x/报价\u202e\x00单.csv"))["fileId"])
    assert file["name"] == "报价单.csv"
    assert len((await office.file((await office.prepare("长" * 500 + ".csv"))["fileId"]))["name"]) == 200


@pytest.mark.requirement("A17")
async def test_links_end_with_their_time_and_cannot_be_made_up(office):
    file_id = new_id()
    services = office.gateway.services
    past = services.clock.now() - timedelta(seconds=1)
    upload = UploadGrant(office.company.id, file_id, 3, "CSV")
    expired = services.file_links.sign_upload(upload, expires_at=past)
    fetching = services.file_links.sign_download(DownloadGrant(office.company.id, file_id), expires_at=past)
    soon = services.clock.now() + timedelta(minutes=1)
    unknown = services.file_links.sign_upload(upload, expires_at=soon)
    assert (await office.send(f"/files/{expired}", b"a,b")).status_code == 410
    assert (await office.fetch(f"/files/{fetching}")).status_code == 410
    assert (await office.fetch(f"/files/{unknown}")).status_code == 403
    assert (await office.send(f"/files/{unknown[:-4]}AAAA", b"a,b")).status_code == 403
    assert (await office.send(f"/files/{unknown}", b"a,b")).status_code == 404
    assert office.contents() == []


async def test_another_companys_files_are_not_found(databases, gateway, two_companies):
    ours, rival = [await open_office(databases, gateway, company) for company in two_companies]
    file_id = await ours.sent()
    assert await rival.file(file_id) is None
    assert await rival.link(file_id) is None
    # Signed by us, but for the wrong company: the file is not in its schema.
    links, clock = gateway.services.file_links, gateway.services.clock
    grant = DownloadGrant(rival.company.id, record_id(file_id, "file"))
    token = links.sign_download(grant, expires_at=clock.now() + timedelta(minutes=1))
    assert (await rival.fetch(f"/files/{token}")).status_code == 404


async def customer_of(databases, office) -> str:
    viewer = await viewer_of(databases, office.member)
    async with databases.tenant_write(office.company.ref) as write:
        made = Change("customer", "create", values={"name": "Alfreds", "owner_id": office.member.id})
        (customer,) = await change(write, viewer, [made], clock=SystemClock())
    return public_id("customer", customer.id)


async def test_a_file_belongs_to_a_record_that_its_sender_sees(databases, office, gateway):
    customer = await customer_of(databases, office)
    file_id = await office.sent(attached_to=customer)
    assert (await office.file(file_id))["attachedTo"] == customer
    assert (await office.fetch((await office.link(file_id))["url"])).content == CSV

    representative = await open_office(databases, gateway, office.company, "REPRESENTATIVE")
    for unseen in (customer, public_id("customer", new_id()), "cus_nothing", file_id[:4] + "0" * 32):
        refused = await representative.prepare(attached_to=unseen)
        assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
    async with databases.tenant_read(office.company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM file") == 1
    assert await representative.link(file_id) is None


async def test_a_key_that_only_reads_sends_nothing(databases, gateway, office):
    key = await make_key(databases, office.member, key=gateway_key(gateway), scopes=("read",))
    answer = await gateway.client(key)(PREPARE, {"name": "a.csv", "size": 3})
    assert answer.codes == ["FORBIDDEN"]
    anonymous = await gateway.client()(DOWNLOAD, {"id": "fil_" + "0" * 32})
    assert anonymous.codes == ["UNAUTHENTICATED"]


async def test_the_product_keeps_a_file_for_a_member(databases, gateway, office):
    async def chunks():
        yield CSV

    stored = await gateway.services.files.put(office.company.ref, chunks())
    async with databases.tenant_write(office.company.ref) as write:
        system = await system_viewer(write, company=office.company)
        file_id = await keep_file(
            write, system, name="rejected.csv", stored=stored, member_id=office.member.id, clock=SystemClock()
        )
    async with databases.tenant_read(office.company.ref) as read:
        kept = await stored_content(read, file_id=file_id)
        viewer = await viewer_of(databases, office.member)
        assert await visible_content(read, viewer, file_id=file_id) == kept
        blind = replace(viewer, access={})
        with pytest.raises(NotFound):
            await visible_content(read, blind, file_id=file_id)
    assert (kept.name, kept.content_id, kept.size) == ("rejected.csv", stored.content_id, len(CSV))
    assert (await office.fetch((await office.link(public_id("file", file_id)))["url"])).content == CSV
