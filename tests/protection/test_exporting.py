"""Everything about one person as a ZIP: nothing missing, nothing of others, for keepers only (T7)."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.files import open_files
from kedang_platform.identity.sessions import start_session
from kedang_tenants.files import AttachedTo
from kedang_tenants.protection.exporting import start_person_export
from kedang_tenants.protection.subjects import Person
from tests.protection.test_erasing import EMAIL, NAME, NOTE, OLD_NAME, OWN, TITLE, keep, maria
from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.surveying import customer_with_mail, survey


async def export(shop, person=None, email=None, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await start_person_export(
            write, viewer or shop.viewer, person=person, email=email, clock=shop.clock
        )


async def package(shop, request):
    await shop.work()
    content = await shop.value(
        "SELECT f.content_id FROM person_request p JOIN file f ON f.id = p.file_id WHERE p.id = $1", request
    )
    parts = [piece async for piece in open_files(shop.settings).open(shop.company.ref, content)]
    return zipfile.ZipFile(io.BytesIO(b"".join(parts)))


def lines(package, name):
    return [orjson.loads(each) for each in package.read(f"{name}.jsonl").splitlines()]


@pytest.mark.requirement("T7", "T9")
async def test_an_export_holds_everything_about_a_contact_and_nothing_of_others(shop):
    asked = await survey(shop, cooldown_days=0)
    customer, contact = await maria(shop)
    other = await shop.create("contact", customer_id=customer, name="Ana Other", email="ana@x.example")
    await asked.send(contact_ids=[contact, other])
    await shop.work()
    factory = Factory(shop.databases, shop.company, shop.clock)
    invitation = await shop.value("SELECT id FROM survey_invitation WHERE contact_id = $1", contact)
    answer = await factory.one(
        "survey_answer", invitation_id=invitation, customer_id=customer, contact_id=contact
    )
    await factory.one("survey_item_answer", answer_id=answer, comment="My own words")
    await shop.create("contact_consent", contact_id=contact, channel="SMS", purpose="CARE", decision="GIVEN")
    await keep(shop, "photo.png", b"\x89PNG\r\n\x1a\nxx", AttachedTo("contact", contact))
    request = await export(shop, Person("contact", contact))
    found = await package(shop, request)
    (person,) = lines(found, "contact")
    assert (person["id"], person["name"], person["title"]) == (f"con_{contact.hex}", NAME, TITLE)
    assert (person["note"], person["birthday"], person["customFields"]) == (NOTE, "1971-03-17", {"own": OWN})
    assert [each["recipient"] for each in lines(found, "survey_invitation")] == [EMAIL]
    assert [each["comment"] for each in lines(found, "survey_item_answer")] == ["My own words"]
    assert [each["channel"] for each in lines(found, "contact_consent")] == ["SMS"]
    assert [mail["recipient"] for mail in lines(found, "mails")] == [EMAIL]
    trail = lines(found, "audit")
    assert [each["action"] for each in trail][:2] == ["contact.created", "contact.updated"]
    assert trail[1]["changes"]["name"] == [OLD_NAME, NAME]
    assert found.read("files/001 photo.png") == b"\x89PNG\r\n\x1a\nxx"
    index = found.read("index.html").decode()
    assert "This is all that Northwind Traders keeps about" in index
    everything = b"".join(found.read(name) for name in found.namelist())
    assert b"Ana Other" not in everything
    assert b"ana@x.example" not in everything
    assert b"token" not in everything.lower()
    (row,) = await shop.fetch("SELECT state, done, report FROM person_request")
    counts = orjson.loads(row["report"])["records"]
    assert (row["state"], row["done"]) == ("DONE", sum(counts.values()))
    assert counts["contact"] == counts["survey_invitation"] == counts["files"] == counts["mails"] == 1
    noted = await shop.fetch("SELECT record_id, actor_id FROM audit WHERE action = 'contact.person_exported'")
    assert [tuple(each.values()) for each in noted] == [(contact, shop.viewer.member_id)]


@pytest.mark.requirement("T7")
async def test_an_address_finds_everybody_who_has_it(shop):
    customer, contact = await maria(shop)
    second = await shop.create("contact", customer_id=customer, name="Same Address", email=EMAIL)
    await customer_with_mail(shop, "Other", "other@x.example")
    found = await package(shop, await export(shop, email=EMAIL.upper()))
    assert [each["id"] for each in lines(found, "contact")] == [f"con_{contact.hex}", f"con_{second.hex}"]
    nobody = await package(shop, await export(shop, email="nobody@x.example"))
    assert nobody.namelist() == ["index.html"] or "contact.jsonl" not in nobody.namelist()


@pytest.mark.requirement("T7")
async def test_a_member_gets_what_is_about_them_not_what_they_did_for_the_company(shop):
    member = await shop.hire("Zz Member", "REPRESENTATIVE")
    await shop.create("customer", name="Owned", owner_id=member)
    factory = Factory(shop.databases, shop.company, shop.clock)
    await factory.one("notice", member_id=member)
    found = await package(shop, await export(shop, Person("member", member)))
    assert [each["name"] for each in lines(found, "member")] == ["Zz Member"]
    assert len(lines(found, "notice")) == 1
    assert "customer.jsonl" not in found.namelist()


@pytest.mark.requirement("T7")
async def test_only_keepers_ask_and_they_say_for_whom(shop):
    _, contact = await maria(shop)
    viewer = await shop.as_member(await shop.hire("Rep", "GENERAL_MANAGER"))
    with pytest.raises(Forbidden):
        await export(shop, Person("contact", contact), viewer=viewer)
    for given in ({}, {"person": Person("contact", contact), "email": EMAIL}, {"email": "no address"}):
        with pytest.raises(BadUserInput):
            await export(shop, **given)
    assert await shop.value("SELECT count(*) FROM person_request") == 0


ERASE = "mutation ($id: ID!) { erasePerson(input: {id: $id}) { record { id kind state subject } userErrors { code path } } }"
EXPORT = (
    "mutation ($id: ID!) { exportPerson(input: {id: $id}) { record { id kind } userErrors { code path } } }"
)


@pytest.mark.requirement("T7", "T9")
async def test_over_the_api_it_takes_a_person_who_has_just_signed_in(gateway, databases, company):
    factory = Factory(databases, company)
    contact = f"con_{(await factory.one('contact')).hex}"
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    by_key = await gateway.client(bearer=key)(ERASE, {"id": contact})
    assert by_key.codes == ["FORBIDDEN"]
    late, fresh = [await session(gateway, owner, minutes) for minutes in (16, 0)]
    for document in (ERASE, EXPORT):
        assert (await late(document, {"id": contact})).codes == ["REAUTHENTICATION_REQUIRED"]
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM person_request") == 0
    done = (await fresh(ERASE, {"id": contact})).data["erasePerson"]
    assert done["userErrors"] == []
    assert (done["record"]["kind"], done["record"]["subject"]) == ("ERASURE", contact)
    wrong = (await fresh(ERASE, {"id": f"dep_{'0' * 32}"})).data["erasePerson"]
    assert wrong == {"record": None, "userErrors": [{"code": "NOT_FOUND", "path": ["input", "id"]}]}
    template = await fresh("{ retentionTemplate }")
    assert template.data["retentionTemplate"]["rules"][0]["record"] == "contact"


async def session(gateway, member, minutes):
    async with gateway.services.databases.control() as control:
        token = await start_session(
            control,
            person_id=member.person_id,
            company_id=member.company.id,
            user_agent="",
            now=datetime.now(UTC) - timedelta(minutes=minutes),
        )
    client = gateway.client()
    client.http.headers["cookie"] = f"kedang={token}"
    return client
