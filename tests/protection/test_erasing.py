"""A person is erased: whatever their values had reached, nothing of them is found afterwards; figures stay (T7)."""

import io
import zipfile
from datetime import date

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.search_text import tokens
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    ColourKind,
    CountryKind,
    CurrencyKind,
    TimeOfDayKind,
    catalogue,
)
from kedang_tenants.changing import Change
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.protection.erasing import start_erasure
from kedang_tenants.protection.holding import hold, lift_hold
from kedang_tenants.protection.models import PersonRequest
from kedang_tenants.protection.places import COPIES, PERSONAL, places
from kedang_tenants.protection.subjects import (
    NoIndividual,
    OnLegalHold,
    Person,
    NotLeftYet,
)
from tests.support.factories import Factory
from tests.support.surveying import customer_with_mail

NAME, EMAIL, PHONE, E164 = "Zwetlana Qqrst", "zwq.q@alfreds.example", "+49 30 99887766", "+493099887766"
OLD_NAME, OLD_EMAIL = "Zwetlana Oldxname", "old.zwq@alfreds.example"
TITLE, NOTE, BIRTHDAY, OWN = (
    "Chief Zzytologist",
    'Likes "zqwhisky"\nand 兹维特兰娜酒',
    date(1971, 3, 17),
    "Zzzown value",
)
PERSONS = (NAME, EMAIL, PHONE, E164, OLD_NAME, OLD_EMAIL)
EVERYTHING = (*PERSONS, TITLE, "zqwhisky", "兹维特兰娜酒", "1971-03-17", OWN)
MENTION = f"Spoke with {NAME}, formerly {OLD_NAME.upper()}, <{EMAIL}>; {OLD_EMAIL}, call {PHONE} or {E164}."
REACHED = f"See <{EMAIL}>, {OLD_EMAIL}, {PHONE}."

_NO_WORDS = (ChoiceKind, ChoicesKind, ColourKind, CountryKind, CurrencyKind, TimeOfDayKind)


async def maria(shop, **values):
    own = {"record": "contact", "key": "own", "kind": "TEXT", "label": {"en": "Own", "zh": "自有"}}
    await shop.change(Change("custom_field", "create", values=own))
    customer = await shop.create("customer", name="Alfreds Futterkiste")
    given = {"customer_id": customer, "name": OLD_NAME, "email": OLD_EMAIL}
    (contact,) = await shop.change(
        Change("contact", "create", values=given, custom={"own": OWN}),
        viewer=await shop.as_member(shop.viewer.member_id),
    )
    await shop.update(
        "contact",
        contact,
        name=NAME,
        email=EMAIL,
        phone=PHONE,
        title=TITLE,
        note=NOTE,
        birthday=BIRTHDAY,
        **values,
    )
    return customer, contact


async def erase(shop, record, record_id, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await start_erasure(
            write, viewer or shop.viewer, person=Person(record, record_id), clock=shop.clock
        )


async def rows_with(shop, *values):
    """Where any of the values stands in any table of the company or of the installation."""
    found = {}
    async with shop.databases.owner() as owner:
        tables = await owner.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = ANY($1::text[])",
            [shop.company.ref.schema, "platform", "work"],
        )
        for table in tables:
            for row in await owner.fetch(f"SELECT t::text AS row FROM {table['name']} t"):
                hits = [v for v in values if v.lower() in row["row"].lower().replace('\\"', '"')]
                if hits:
                    found.setdefault(table["name"].partition(".")[2], []).extend(hits)
    return found


def files_with(shop, *values):
    """The files of the installation in which any of the values stands, packages opened."""
    found = []
    for path in shop.settings.var.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            texts = [content.decode("utf-8", "ignore"), content.decode("gb18030", "ignore")]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as package:
                    texts += [package.read(name).decode("utf-8", "ignore") for name in package.namelist()]
            found += [(path.name, v) for v in values if any(v.lower() in text.lower() for text in texts)]
    return found


async def plant(shop, customer, contact):
    """Put the person's values into every field of every kind of record that they can reach."""
    factory = Factory(shop.databases, shop.company, shop.clock)
    planted = {}
    for place in places():
        if place.name in {"customer", "member"} or place.record is None:
            continue
        record = place.record
        refs = {"customer_id": customer, "contact_id": contact}
        given = {name: value for name, value in refs.items() if name in record.fields}
        if place.name == "contact":
            made = await factory.one("contact", customer_id=customer)
        elif place.name == "survey_item_answer":
            invitation = await factory.one("survey_invitation", **refs)
            answer = await factory.one("survey_answer", invitation_id=invitation, **refs)
            made = await factory.one(record.name, answer_id=answer)
        elif place.name == "delivery":
            made = await factory.one(record.name, order_id=await factory.one("order", customer_id=customer))
        elif place.name == "service_note":
            request = await factory.one("service_request", customer_id=customer)
            made = await factory.one(record.name, request_id=request)
        elif place.name == "order_line":
            made = await factory.one(record.name, order_id=await factory.one("order", customer_id=customer))
        else:
            made = await factory.one(record.name, **given)
        related = place.name in COPIES or "customer_id" in record.fields or place.name in {
            "survey_item_answer", "delivery", "service_note", "order_line"}  # fmt: skip
        planted[place.name] = (made, MENTION if related else REACHED)
    async with shop.databases.owner() as owner:
        await owner.execute(f'SET search_path TO "{shop.company.ref.schema}"')
        for table, (made, text) in planted.items():
            place = next(p for p in places() if p.name == table)
            for name in place.columns:
                found = place.record.fields.get(name)
                theirs = table == "contact" and name in PERSONAL["contact"] - {
                    "note",
                    "title",
                    "department",
                    "custom",
                }
                if theirs or (found and isinstance(found.kind, _NO_WORDS)):
                    continue
                value, cast = text, ""
                if name in place.documents:
                    value, cast = (
                        orjson.dumps({"deep": [{"said": text}, 1], "n": None}).decode(),
                        "::text::jsonb",
                    )
                elif name in place.lists:
                    value = [text, "other"]
                await owner.execute(f'UPDATE "{table}" SET "{name}" = $2{cast} WHERE id = $1', made, value)
        member = shop.viewer.member_id
        answer = orjson.dumps(
            {
                "data": {
                    "contact": {
                        "id": f"con_{contact.hex}",
                        "title": TITLE,
                        "note": NOTE,
                        "birthday": "1971-03-17",
                        "own": OWN,
                        "said": MENTION,
                    }
                }
            }
        )
        await owner.execute(
            "INSERT INTO kept_answer VALUES ($1, 'k', ''::bytea, $2, now())", member, answer.decode()
        )
        await owner.execute(
            "INSERT INTO bulk_result (operation_id, line, content) VALUES ($1, 1, $2)",
            planted["bulk_operation"][0],
            answer.decode(),
        )
        await owner.execute(
            "INSERT INTO import_remark (import_id, line, verdict, cells, remarks) VALUES ($1, 1, 'REJECTED', $2::text::jsonb, $3::text::jsonb)",
            planted["import"][0], orjson.dumps([NAME, EMAIL]).decode(), orjson.dumps([{"value": MENTION}]).decode(),
        )  # fmt: skip
        await owner.execute("RESET search_path")


async def forget_jobs(shop):
    """What was planted by force makes no sense to those who wait for it."""
    async with shop.databases.control() as control:
        await control.fetch("DELETE FROM work.job WHERE state = 'waiting'")


def xlsx(text):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
        package.writestr("xl/sharedStrings.xml", f"<sst><si><t>{text.replace('<', '&lt;')}</t></si></sst>")
    return content.getvalue()


async def keep(shop, name, content, attached=None):
    from kedang_platform.files import open_files

    async def pieces():
        yield content

    stored = await open_files(shop.settings).put(shop.company.ref, pieces())
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await keep_file(
            write,
            shop.viewer,
            name=name,
            stored=stored,
            member_id=None,
            attached_to=attached,
            clock=shop.clock,
        )


async def plant_files(shop, contact):
    factory = Factory(shop.databases, shop.company, shop.clock)
    text = MENTION.encode()
    source = await keep(shop, "contacts.csv", b"name\n" + text + b" \xe5\xbc\xa0\n" * 3)
    in_gbk = await keep(shop, "gbk.csv", f"客户,姓名\n{NAME}".encode("gb18030"))
    ids = {
        name: await factory.one(name, **({"file_id": source} if name == "import" else {}))
        for name in ("import", "export", "bulk_operation", "report_run")
    }
    await factory.one("import", file_id=in_gbk)
    kept = {
        "source": source,
        "gbk": in_gbk,
        "xlsx": await keep(shop, "export.xlsx", xlsx(MENTION), AttachedTo("export", ids["export"])),
        "jsonl": await keep(shop, "bulk.jsonl", text, AttachedTo("bulk_operation", ids["bulk_operation"])),
        "pdf": await keep(shop, "report.pdf", b"%PDF-1.7 x", AttachedTo("report_run", ids["report_run"])),
        "photo": await keep(shop, f"{NAME}.png", b"\x89PNG\r\n\x1a\n", AttachedTo("contact", contact)),
        "clean": await keep(shop, "clean.csv", b"name\nSomebody Else\n", AttachedTo("export", ids["export"])),
    }
    return kept


async def plant_outside(shop):
    schema = shop.company.ref.schema
    async with shop.databases.control() as control:
        letters = [
            Outgoing(Letter(subject="For {x}", paragraphs=("{x}",), params={"x": NAME}), EMAIL, "en", f"survey:{schema}:1"),
            Outgoing(Letter(subject="About {x}", paragraphs=("{x}",), params={"x": NAME}), "andrew@northwind.example", "en", f"notice:{schema}:2"),
            Outgoing(Letter(subject="From another company", paragraphs=("Hello",)), "other@x.example", "en", "notice:t_other:3"),
        ]  # fmt: skip
        await post(control, letters, sender="K <a@x.example>", now=shop.clock.now())
        await control.fetch("DELETE FROM work.job WHERE kind = 'mail.send'")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        (job,) = await enqueue(
            write, NewJob("events.tell_live", {"transaction": "0", "about": {"x": [MENTION]}})
        )
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'failed', finished_at = now(), error_detail = $2 WHERE id = $1",
            job,
            MENTION,
        )


@pytest.mark.requirement("T7", "T9")
async def test_nothing_of_an_erased_contact_is_found_anywhere(shop):
    customer, contact = await maria(shop)
    await shop.create(
        "contact_consent", contact_id=contact, channel="EMAIL", purpose="SURVEY", decision="OPTED_OUT", evidence=f"{NAME} said so"
    )  # fmt: skip
    await shop.work()
    await plant(shop, customer, contact)
    files = await plant_files(shop, contact)
    await plant_outside(shop)
    await forget_jobs(shop)
    before = await rows_with(shop, *EVERYTHING)
    assert {
        "contact",
        "audit",
        "notice",
        "kept_answer",
        "mail",
        "job",
        "webhook_delivery",
        "file",
    } <= before.keys()
    assert len(before) >= 30
    assert files_with(shop, *EVERYTHING)
    request = await erase(shop, "contact", contact)
    await shop.work()
    row = (await shop.fetch("SELECT state, report, sought FROM person_request WHERE id = $1", request))[0]
    assert (row["state"], row["sought"]) == ("DONE", None)
    assert await rows_with(shop, *EVERYTHING) == {}
    assert files_with(shop, *EVERYTHING) == []
    stored = await shop.fetch("SELECT id FROM file WHERE content_id IS NOT NULL")
    assert [each["id"] for each in stored] == [files["clean"]]
    (kept,) = await shop.fetch(
        "SELECT name, search_tokens, erased_at, customer_id FROM contact WHERE id = $1", contact
    )
    assert (kept["name"], kept["search_tokens"], kept["customer_id"]) == ("Erased person", [], customer)
    assert kept["erased_at"] == shop.clock.now()
    every = {
        token
        for row in await shop.fetch(
            "SELECT search_tokens FROM contact UNION ALL SELECT search_tokens FROM customer UNION ALL SELECT search_tokens FROM service_request"
        )
        for token in row["search_tokens"] or ()
    }
    assert (
        not {
            token
            for token in tokens(NAME)
            if token in every and token not in tokens("Erased person […] other Text")
        }
        - tokens_of_texts()
    )
    out = await shop.value(
        "SELECT decision FROM contact_consent WHERE address_hash IS NOT NULL AND contact_id = $1", contact
    )
    assert out == "OPTED_OUT"
    async with shop.databases.control_read() as control:
        states = {
            r["key"].rpartition(":")[2]: r["state"]
            for r in await control.fetch("SELECT key, state FROM platform.mail")
        }
    assert states["1"] == "withheld"
    assert states["2"] == states["3"] == "queued"


def tokens_of_texts():
    """Pieces of three letters that other words have as well."""
    return {token for token in tokens(NAME) if len(token) <= 3}
