"""A person is erased: whatever their values had reached, nothing of them is found afterwards; figures stay (T7)."""

import io
import zipfile
from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.database.metadata import platform_metadata
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.files import open_files
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.search_text import tokens
from kedang_platform.work import JobInterrupted, NewJob, enqueue
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
from kedang_tenants.changing.sealing import seal
from kedang_tenants.changing.verifying import verify
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.protection import erasing, sweeping
from kedang_tenants.protection.erasing import start_erasure
from kedang_tenants.protection.holding import hold, lift_hold
from kedang_tenants.protection.outside import tables_of_account
from kedang_tenants.protection.places import COPIES, PERSONAL, places
from kedang_tenants.protection.subjects import (
    NoIndividual,
    NotLeftYet,
    OnLegalHold,
    Person,
)
from kedang_tenants.protection.sweeping import sweep
from tests.support.database import make_company
from tests.support.factories import Factory
from tests.support.members import make_member
from tests.support.surveying import customer_with_mail
from tests.support.workers import run_jobs

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
        elif place.name in {"meeting_attendee", "meeting_action"}:
            meeting = await factory.one("meeting", customer_id=customer)
            made = await factory.one(record.name, meeting_id=meeting, **given)
        elif place.name == "order_line":
            made = await factory.one(record.name, order_id=await factory.one("order", customer_id=customer))
        else:
            made = await factory.one(record.name, **given)
        related = place.name in COPIES or "customer_id" in record.fields or place.name in {
            "survey_item_answer", "delivery", "service_note", "order_line", "meeting_attendee", "meeting_action"}  # fmt: skip
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
    return {
        "source": source,
        "gbk": in_gbk,
        "xlsx": await keep(shop, "export.xlsx", xlsx(MENTION), AttachedTo("export", ids["export"])),
        "jsonl": await keep(shop, "bulk.jsonl", text, AttachedTo("bulk_operation", ids["bulk_operation"])),
        "pdf": await keep(shop, "report.pdf", b"%PDF-1.7 x", AttachedTo("report_run", ids["report_run"])),
        "photo": await keep(shop, f"{NAME}.png", b"\x89PNG\r\n\x1a\n", AttachedTo("contact", contact)),
        "clean": await keep(shop, "clean.csv", b"name\nSomebody Else\n", AttachedTo("export", ids["export"])),
    }


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
async def test_nothing_of_an_erased_contact_is_found_anywhere(shop, monkeypatch):
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
    monkeypatch.setattr(sweeping, "ROWS_AT_ONCE", 2)
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


@pytest.mark.requirement("T7")
async def test_what_others_share_and_what_namesakes_are_called_stays(shop):
    customer, contact = await maria(shop)
    colleague = await shop.create(
        "contact", customer_id=customer, name="Ana Other", email="ana@x.example", phone=PHONE
    )
    elsewhere = await shop.create("customer", name="Elsewhere", note=f"{NAME} is our buyer; write to {EMAIL}")
    namesake = await shop.create("contact", customer_id=elsewhere, name=NAME, email="other.zwq@x.example")
    order = await shop.order(customer, date(2026, 3, 1), ("2", "10"), ship_name=NAME)
    await erase(shop, "contact", contact)
    await shop.work()
    rows = {r["id"]: r for r in await shop.fetch("SELECT id, name, phone, email FROM contact")}
    assert (rows[colleague]["name"], rows[colleague]["phone"]) == ("Ana Other", PHONE)
    assert (rows[namesake]["name"], rows[namesake]["email"]) == (NAME, "other.zwq@x.example")
    assert (
        await shop.value("SELECT note FROM customer WHERE id = $1", elsewhere)
        == f"{NAME} is our buyer; write to […]"
    )
    assert await shop.value("SELECT ship_name FROM sales_order WHERE id = $1", order) == "[…]"
    assert await shop.value("SELECT sum(amount) FROM order_line") == 2000
    history = await shop.fetch("SELECT changes FROM audit WHERE record_id = $1", namesake)
    assert any(NAME in row["changes"] for row in history)


@pytest.mark.requirement("T7")
async def test_the_trail_is_whole_after_an_erasure(shop):
    _, contact = await maria(shop)
    await shop.work()
    shop.clock.move(timedelta(minutes=2))
    assert await seal(shop.databases, shop.company.ref, clock=shop.clock) >= 1
    await erase(shop, "contact", contact)
    await shop.work()
    shop.clock.move(timedelta(minutes=2))
    assert await seal(shop.databases, shop.company.ref, clock=shop.clock) >= 1
    actions = [
        r["action"]
        for r in await shop.fetch("SELECT action FROM audit WHERE record_id = $1 ORDER BY sequence", contact)
    ]
    assert actions == ["contact.created", "contact.updated", "contact.erased"]
    assert await shop.value("SELECT count(*) FROM audit WHERE action = 'audit.forgotten'") >= 1
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert (await verify(read)).broken is None


@pytest.mark.requirement("T7")
async def test_an_individual_goes_with_all_contacts_and_a_company_does_not(shop):
    person = await shop.create("customer", name=NAME, directory="INDIVIDUAL", email=EMAIL, phone=PHONE, address="Zzq street 1", city="Berlin", credit_rating="C", insolvency="BANKRUPTCY", purchasing_power="HIGH")  # fmt: skip
    await shop.change(Change("customer", "update", person, values={"hot_since": date(2026, 3, 2), "hot_reason": f"{NAME} wants it"}), internally=True)  # fmt: skip
    home = await shop.create("contact", customer_id=person, name=OLD_NAME, email=OLD_EMAIL)
    order = await shop.order(person, date(2026, 3, 1), ("1", "10"))
    firm, _ = await customer_with_mail(shop)
    with pytest.raises(NoIndividual):
        await erase(shop, "customer", firm)
    await shop.work()
    await erase(shop, "customer", person)
    await shop.work()
    assert await rows_with(shop, NAME, EMAIL, PHONE, E164, OLD_NAME, OLD_EMAIL, "Zzq street") == {}
    (row,) = await shop.fetch("SELECT name, city, address FROM customer WHERE id = $1", person)
    assert tuple(row.values()) == ("Erased person", "Berlin", None)
    (row,) = await shop.fetch(
        "SELECT hot_since, hot_reason, credit_rating, insolvency, purchasing_power FROM customer WHERE id = $1",
        person,
    )
    assert tuple(row.values()) == (date(2026, 3, 2), None, None, None, None)
    assert await shop.value("SELECT name FROM contact WHERE id = $1", home) == "Erased person"
    assert await shop.value("SELECT customer_id FROM sales_order WHERE id = $1", order) == person
    assert await shop.value("SELECT name FROM customer WHERE id = $1", firm) == "Alfreds Futterkiste"


@pytest.mark.requirement("T7")
async def test_of_a_member_who_has_left_name_and_address_go_everywhere(shop, databases):
    member = await make_member(databases, shop.company, "REPRESENTATIVE", name=NAME)
    address = await shop.value("SELECT email FROM member WHERE id = $1", member.id)
    with pytest.raises(NotLeftYet):
        await erase(shop, "member", member.id)
    await shop.create("notice", internally=True, member_id=shop.viewer.member_id, kind="REPORT_READY", title={"en": f"{NAME} did it"}, body={"en": "x"}, occasion="o1")  # fmt: skip
    customer = await shop.create("customer", name="Kept", owner_id=member.id)
    await shop.change(Change("member", "update", member.id, values={"state": "SUSPENDED"}), internally=True)
    async with shop.databases.control() as control:
        letter = Outgoing(Letter(subject="Reset", paragraphs=("x",)), address, "en", "password_reset:1")
        await post(control, [letter], sender="K <a@x.example>", now=shop.clock.now())
    await shop.work()
    assert {"member", "person", "audit", "mail", "notice"} <= (await rows_with(shop, NAME, address)).keys()
    await erase(shop, "member", member.id)
    await shop.work()
    assert await rows_with(shop, NAME, address) == {}
    assert files_with(shop, NAME, address) == []
    (row,) = await shop.fetch("SELECT name, state, roles FROM member WHERE id = $1", member.id)
    assert tuple(row.values()) == ("Former member", "SUSPENDED", ["REPRESENTATIVE"])
    assert await shop.value("SELECT owner_id FROM customer WHERE id = $1", customer) == member.id


@pytest.mark.requirement("T7")
async def test_an_account_that_serves_for_another_company_stays(databases, shop):
    member = await make_member(databases, shop.company, "REPRESENTATIVE", name=NAME)
    other = await make_company(databases, name="Rival & Sons")
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.membership (company_id, person_id, member_id, seat, state, created_at)"
            " VALUES ($1, $2, $3, 'none', 'active', now())", other.id, member.person_id, new_id(),
        )  # fmt: skip
    await shop.change(Change("member", "update", member.id, values={"state": "SUSPENDED"}), internally=True)
    await erase(shop, "member", member.id)
    await shop.work()
    assert (await rows_with(shop, NAME)).keys() == {"person"}


@pytest.mark.requirement("T7", "T9")
async def test_a_hold_and_missing_rights_leave_everything_as_it_is(shop):
    customer, contact = await maria(shop)
    for roles in (("GENERAL_MANAGER",), ("REPRESENTATIVE",), ("FINANCE",)):
        viewer = await shop.as_member(await shop.hire(f"Some {roles[0]}", *roles))
        with pytest.raises(Forbidden):
            await erase(shop, "contact", contact, viewer=viewer)
        async with shop.databases.tenant_write(shop.company.ref) as write:
            with pytest.raises(Forbidden):
                await hold(write, viewer, customer_id=customer, reason="x", clock=shop.clock)
    keeper = await shop.as_member(await shop.hire("Keeper", "ARCHIVE_KEEPER"))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await hold(write, keeper, customer_id=customer, reason="A lawsuit", clock=shop.clock)
    with pytest.raises(OnLegalHold):
        await erase(shop, "contact", contact, viewer=keeper)
    with pytest.raises(NotFound):
        await erase(shop, "contact", new_id(), viewer=keeper)
    assert await shop.value("SELECT count(*) FROM person_request") == 0
    assert await shop.value("SELECT name FROM contact WHERE id = $1", contact) == NAME
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lift_hold(write, keeper, customer_id=customer, clock=shop.clock)
    first = await erase(shop, "contact", contact, viewer=keeper)
    assert await erase(shop, "contact", contact, viewer=keeper) == first
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await hold(write, keeper, customer_id=customer, reason="Again", clock=shop.clock)
    await shop.work()
    (row,) = await shop.fetch("SELECT state, error_code FROM person_request")
    assert tuple(row.values()) == ("FAILED", "ON_LEGAL_HOLD")
    assert await shop.value("SELECT name FROM contact WHERE id = $1", contact) == NAME


@pytest.mark.requirement("T7")
async def test_an_erasure_that_is_killed_goes_on_where_it_was(shop, monkeypatch):
    customer, contact = await maria(shop)
    await shop.create("follow_up_record", way="CALL", customer_id=customer, contact_id=contact, content=MENTION, at=shop.clock.now())  # fmt: skip
    request = await erase(shop, "contact", contact)
    tried = []

    async def killed(write, viewer, place, task, *, after, clock):
        tried.append(place.name)
        if place.name == "follow_up_record" and tried.count(place.name) == 1:
            raise JobInterrupted
        return await sweep(write, viewer, place, task, after=after, clock=clock)

    monkeypatch.setattr(erasing, "sweep", killed)
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    await shop.work()
    assert [name for name in set(tried) if tried.count(name) > 1] == ["follow_up_record"]
    assert await shop.value("SELECT state FROM person_request WHERE id = $1", request) == "DONE"
    assert await rows_with(shop, *PERSONS) == {}


def test_every_field_of_a_person_is_decided_upon():
    """A new field of these records is either personal or named here."""
    stays = {
        "contact": {"id", "version", "created_at", "updated_at", "archived_at", "customer_id", "head_of_department", "primary", "erased_at"},
        "customer": {
            "id", "version", "created_at", "updated_at", "archived_at", "number", "directory", "roles", "state", "direct", "owner_id",
            "parent_id", "trading_since", "employees", "industry", "source", "city", "region", "country", "held_at", "held_because", "erased_at",
            "pool_return_why",
        },
        "member": {"id", "version", "created_at", "updated_at", "archived_at", "department_id", "superior_id", "roles", "state", "seat", "language"},
    }  # fmt: skip
    for name, kept in stays.items():
        columns = {column.name for column in catalogue().record(name).table.columns}
        undecided = columns - PERSONAL[name] - kept
        # What higher features contribute are figures, days and references.
        record = catalogue().record(name)
        words = {c for c in undecided if type(record.table.c[c].type).__name__ in {"Text", "JSONB"}}
        assert words == set(), (name, words)


def test_every_table_of_an_account_is_known():
    tables = set(tables_of_account())
    assert {
        "platform.session",
        "platform.second_factor",
        "platform.device",
        "platform.one_time_token",
    } <= tables
    assert "platform.membership" not in tables
    columns = {c.name for t in platform_metadata.tables.values() if t.fullname in tables for c in t.columns}
    assert "person_id" in columns
