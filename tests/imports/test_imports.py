import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

import kedang_workers.demo
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.work.runner import Outcome as RunOutcome
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.imports.errors import AlreadyFinished, NotImportable, UnknownField
from kedang_tenants.imports.mapping import Mapping
from kedang_tenants.imports.operations import cancel_import, preview_import
from tests.imports.support import Office
from tests.support.workers import run_jobs

NORTHWIND = Path(kedang_workers.demo.__path__[0]) / "northwind"
CUSTOMERS = Mapping(
    {
        "customer_id": "number",
        "company_name": "name",
        "address": "address",
        "city": "city",
        "region": "region",
        "postal_code": "postalCode",
        "country": "country",
        "phone": "phone",
        "fax": "fax",
    },
    {"roles": "BUYER", "state": "CURRENT"},
)


@pytest.mark.requirement("A9")
async def test_northwinds_customers_are_imported_and_imported_again_without_a_change(office):
    content = (NORTHWIND / "customers.csv").read_bytes()

    first = await office.imports("customer", content, mapping=CUSTOMERS)
    assert (first.state, first.counts) == ("DONE", (91, 0, 0, 0, 43))
    assert (first.row["rows_total"], first.row["rows_done"], first.row["encoding"]) == (91, 91, "UTF-8")
    assert first.rejected == []
    assert {row["Error code"] for row in first.warnings} == {"PHONE_NOT_VALID"}
    assert (first.warnings[0]["Row number"], first.warnings[0]["customer_id"]) == ("3", "ANATR")
    customers = await office.rows("SELECT * FROM customer ORDER BY number")
    assert len(customers) == 91
    assert sum(row["phone_e164"] is not None for row in customers) == 48
    assert {row["phone"] for row in customers} >= {"030-0074321", "(5) 555-4729"}
    alfki = {
        name: customers[0][name] for name in ("number", "name", "phone_e164", "country", "roles", "state")
    }
    assert alfki == {
        "number": "ALFKI",
        "name": "Alfreds Futterkiste",
        "phone_e164": "+49300074321",
        "country": "DE",
        "roles": ["BUYER"],
        "state": "CURRENT",
    }

    before = await office.all_rows()
    again = await office.imports("customer", content, mapping=CUSTOMERS)
    assert (again.state, again.counts) == ("DONE", (0, 0, 91, 0, 43))
    assert await office.all_rows() == before


@pytest.mark.requirement("A9")
async def test_contacts_products_orders_and_lines_refer_to_each_other_by_what_people_call_them(office):
    async def imported(record: str, file: str, columns: dict[str, str], *more):
        done = await office.imports(record, (NORTHWIND / file).read_bytes(), mapping=Mapping(columns, *more))
        assert (done.state, done.counts[1:4]) == ("DONE", (0, 0, 0)), done.reasons
        return done.counts[0]

    await imported("customer", "customers.csv", {"customer_id": "number", "company_name": "name"})
    people = {"customer_id": "customer", "contact_name": "name", "contact_title": "title"}
    assert await imported("contact", "customers.csv", people) == 91
    goods = {"product_id": "number", "product_name": "name", "unit_price": "listPrice"}
    assert await imported("product", "products.csv", goods) == 77
    orders = {
        "order_id": "number",
        "customer_id": "customer.number",
        "order_date": "orderedOn",
        "freight": "freight",
    }
    assert await imported("order", "orders.csv", orders, {"currency": "USD"}) == 830
    lines = {
        "order_id": "order",
        "product_id": "product",
        "unit_price": "unitPrice",
        "quantity": "quantity",
        "discount": "discount",
    }
    assert await imported("order_line", "order_details.csv", lines, {}, ("order", "product")) == 2155

    (order,) = await office.rows(
        "SELECT o.freight, o.total, o.currency, c.number FROM sales_order o"
        " JOIN customer c ON c.id = o.customer_id WHERE o.number = '10248'"
    )
    assert order == {"freight": 3238, "total": 440_00, "currency": "USD", "number": "VINET"}
    (sales,) = await office.rows("SELECT sum(amount)::bigint AS amount FROM order_line")
    assert sales == {"amount": 1_265_793_29}


@pytest.mark.requirement("A9")
async def test_an_upsert_changes_what_differs_and_creates_what_is_new(office):
    await office.imports("customer", "number,name,city\n1,A,Wien\n2,B,Graz\n3,C,Linz\n")
    done = await office.imports("customer", "number,name,city\n1,A,Salzburg\n2,B,\n4,D,Wels\n3,C,Linz\n")
    assert done.counts == (1, 1, 2, 0, 0)  # an empty cell leaves what is there
    rows = await office.rows("SELECT number, city, version FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [
        ("1", "Salzburg", 2),
        ("2", "Graz", 1),
        ("3", "Linz", 1),
        ("4", "Wels", 1),
    ]
    audited = await office.rows("SELECT via, changes FROM audit WHERE action = 'customer.updated'")
    assert [(row["via"], row["changes"]) for row in audited] == [("import", '{"city": ["Wien", "Salzburg"]}')]


@pytest.mark.requirement("A9")
async def test_creating_only_and_updating_only_reject_the_others(office):
    await office.imports("customer", "number,name\n1,A\n", mode="CREATE")
    created = await office.imports("customer", "number,name\n1,X\n2,B\n", mode="CREATE")
    assert created.counts == (1, 0, 0, 1, 0)
    assert created.reasons == {2: ("ALREADY_EXISTS", "number: There is already a record with this key.")}
    updated = await office.imports("customer", "number,name\n1,Y\n3,C\n", mode="UPDATE")
    assert updated.counts == (0, 1, 0, 1, 0)
    assert updated.reasons == {3: ("NOT_FOUND", "number: There is no such record.")}
    rows = await office.rows("SELECT number, name FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [("1", "Y"), ("2", "B")]


@pytest.mark.requirement("A9")
async def test_a_trial_tells_everything_and_changes_nothing(office):
    await office.imports("customer", "number,name,city\n1,A,Wien\n2,B,Graz\n")
    before = await office.all_rows()
    text = "number,name,city,parent,phone\n1,A,Linz,,\n2,B,Graz,,\n3,C,Wels,,123\n4,D,,3,\n5,E,,9,\n6,,,,\n"
    trial = await office.imports("customer", text, dry_run=True)
    assert (trial.state, trial.counts) == ("DONE", (2, 1, 1, 2, 1))
    assert trial.reasons == {
        6: ("NOT_FOUND", "parent: There is no record “9”."),
        7: ("REQUIRED", "name: This must be filled in."),
    }
    assert [row["Row number"] for row in trial.warnings] == ["4"]
    assert await office.all_rows() == before
    real = await office.imports("customer", text)
    assert real.counts == trial.counts
    assert real.reasons == trial.reasons


async def test_a_row_may_refer_to_a_row_before_it_also_in_the_same_step(office):
    done = await office.imports(
        "customer", "number,name,parent\n1,A,\n2,B,1\n3,C,2\n4,D,5\n5,E,\n6,F,7\n7,G,6\n"
    )
    assert done.counts == (5, 0, 0, 2, 0)
    assert set(done.reasons) == {7, 8}
    rows = await office.rows(
        "SELECT c.number, p.number AS parent FROM customer c JOIN customer p ON p.id = c.parent_id ORDER BY 1"
    )
    assert [tuple(row.values()) for row in rows] == [("2", "1"), ("3", "2"), ("4", "5")]


async def test_own_fields_are_imported_by_their_key_or_label(office):
    async with office.databases.tenant_write(office.company.ref) as write:
        values = {
            "record": "customer",
            "key": "fleet",
            "kind": "INTEGER",
            "label": {"en": "Lorries", "zh": "货车"},
        }
        change = Change("custom_field", "create", values=values)
        (made,) = await change_internally(write, await office.viewer(), [change], clock=office.clock)
    done = await office.imports("customer", "number,name,货车\n1,A,7\n2,B,\n3,C,seven\n")
    assert done.counts == (2, 0, 0, 1, 0)
    assert done.reasons == {4: ("INVALID_NUMBER", "货车: “seven” is not a number.")}
    rows = await office.rows("SELECT number, custom FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [("1", f'{{"{made.id.hex}": 7}}'), ("2", "{}")]


async def test_money_is_read_in_major_units_of_its_currency(office):
    await office.imports("customer", "number,name\n1,A\n")
    text = "number,customer,ordered_on,currency,freight\n1,1,1996-07-04,EUR,32.38\n2,1,1996-07-04,JPY,500\n"
    more = "3,1,1996-07-04,,7\n4,1,1996-07-04,JPY,0.5\n5,1,1996-07-04,EUR,1.005\n"
    done = await office.imports("order", text + more)
    assert done.counts == (3, 0, 0, 2, 0)
    assert done.reasons == {
        5: ("TOO_PRECISE", "freight: JPY has 0 digits after the point."),
        6: ("TOO_PRECISE", "freight: EUR has 2 digits after the point."),
    }
    rows = await office.rows("SELECT currency, freight FROM sales_order ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [("EUR", 3238), ("JPY", 500), ("CNY", 700)]
    done = await office.imports("order", "number,freight\n2,600\n1,7.5\n", mode="UPDATE")
    assert done.counts == (0, 2, 0, 0, 0)
    rows = await office.rows("SELECT freight FROM sales_order ORDER BY number")
    assert [row["freight"] for row in rows] == [750, 600, 700]


async def test_a_time_without_a_zone_is_meant_in_the_companys(office):
    await office.imports("customer", "number,name\n1,A\n")
    text = "customer,at,way\n1,2026-03-02 09:30,Call\n1,2026-03-02T09:30:00+01:00,拜访\n1,soon,CALL\n"
    mapping = Mapping({"customer": "customer", "at": "at", "way": "way"})
    done = await office.imports("follow_up_record", text, mode="CREATE", mapping=mapping)
    assert done.counts == (2, 0, 0, 1, 0)
    rows = await office.rows("SELECT at, way FROM follow_up_record ORDER BY at")
    assert [tuple(row.values()) for row in rows] == [
        (datetime(2026, 3, 2, 1, 30, tzinfo=UTC), "CALL"),
        (datetime(2026, 3, 2, 8, 30, tzinfo=UTC), "VISIT"),
    ]


@pytest.mark.requirement("A9", "A11")
async def test_an_import_reaches_exactly_as_far_as_its_person(office, databases, database_settings, tmp_path):
    await office.imports("customer", "number,name,city\nTHEIRS,Theirs,Wien\n")
    nancy = await Office.open(
        databases, database_settings, office.company, tmp_path, "REPRESENTATIVE", name="Nancy"
    )
    email = f"{nancy.member.id.hex}@northwind.example"
    boss = f"{office.member.id.hex}@northwind.example"
    done = await nancy.imports(
        "customer",
        f"number,name,city,owner\nMINE,Mine,Graz,{email}\nTHEIRS,Taken,Linz,\nBOSS,X,Wels,{boss}\n",
    )
    assert done.counts == (1, 0, 0, 2, 0)
    assert {line: code for line, (code, _) in done.reasons.items()} == {3: "ALREADY_EXISTS", 4: "FORBIDDEN"}
    rows = await office.rows("SELECT number, name, city FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [("MINE", "Mine", "Graz"), ("THEIRS", "Theirs", "Wien")]
    contact = await nancy.imports("contact", "customer,name\nMINE,Maria\nTHEIRS,Eve\n")
    assert contact.counts == (1, 0, 0, 1, 0)
    assert contact.reasons == {3: ("NOT_FOUND", "customer: There is no record “THEIRS”.")}


@pytest.mark.requirement("A9", "T1")
async def test_another_companys_records_and_files_do_not_exist(
    databases, database_settings, two_companies, tmp_path
):
    ours, theirs = [
        await Office.open(databases, database_settings, company, tmp_path) for company in two_companies
    ]
    await theirs.imports("customer", "number,name\n1,Theirs\n")
    before = await theirs.all_rows()
    owner = f"{theirs.member.id.hex}@northwind.example"
    done = await ours.imports("customer", f"number,name,owner,parent\n1,Ours,,\n2,B,{owner},\n3,C,,7\n")
    assert done.counts == (1, 0, 0, 2, 0)
    assert {line: code for line, (code, _) in done.reasons.items()} == {3: "NOT_FOUND", 4: "NOT_FOUND"}
    file_id = await theirs.keep("number,name\n9,X\n")
    theirs_file, ours.keep = file_id, lambda *_: _returned(file_id)
    with pytest.raises(NotFound):
        await ours.start("customer", "")
    with pytest.raises(NotFound):
        await preview_import(
            databases, ours.files, await ours.viewer(), file_id=theirs_file, record="customer"
        )
    started = await theirs.start("customer", "number,name\n2,Later\n")
    async with databases.tenant_write(ours.company.ref) as write:
        with pytest.raises(NotFound):
            await cancel_import(write, await ours.viewer(), import_id=started, clock=ours.clock)
    await theirs.work()
    assert (await theirs.outcome(started)).counts == (1, 0, 0, 0, 0)
    assert len((await theirs.all_rows())["customer"]) == len(before["customer"]) + 1


async def _returned(value):
    return value


async def test_who_may_not_write_may_not_import(office, databases, database_settings, tmp_path):
    onlooker = await Office.open(
        databases, database_settings, office.company, tmp_path, "VIEW_ONLY", seat="VIEW_ONLY"
    )
    before = await office.all_rows()
    with pytest.raises(Forbidden):
        await onlooker.start("customer", "number,name\n1,A\n")
    agent = await Office.open(databases, database_settings, office.company, tmp_path, "SERVICE_AGENT")
    with pytest.raises(Forbidden):
        await agent.start("customer", "number,name\n1,A\n")
    assert len((await office.all_rows())["customer"]) == len(before["customer"]) == 0
    assert await office.rows("SELECT 1 FROM import") == []


async def test_rights_that_were_lost_in_the_meantime_are_lost(office):
    import_id = await office.start("customer", "number,name\n1,A\n")
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET roles = '{VIEW_ONLY}' WHERE id = $1", office.member.id)
    await office.work()
    done = await office.outcome(import_id)
    assert (done.state, done.counts) == ("DONE", (0, 0, 0, 1, 0))
    assert done.reasons == {2: ("FORBIDDEN", "You may not do this.")}
    import_id = await _start_as(office)
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET state = 'SUSPENDED' WHERE id = $1", office.member.id)
    await office.work()
    failed = await office.outcome(import_id)
    assert (failed.state, failed.row["error_code"]) == ("FAILED", "FORBIDDEN")
    assert await office.rows("SELECT 1 FROM customer") == []


async def _start_as(office):
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET roles = '{OWNER}' WHERE id = $1", office.member.id)
    return await office.start("customer", "number,name\n2,B\n")


@pytest.mark.parametrize("record", ["audit", "member", "notice", "import", "nothing"])
async def test_what_no_file_makes_cannot_be_imported(office, record):
    with pytest.raises(NotImportable):
        await office.start(record, "name\nA\n")


@pytest.mark.parametrize(
    "path", ["version", "phoneE164", "custom", "custom.none", "owner.name", "contacts", "ownerId", ""]
)
async def test_a_mapping_names_only_fields_that_can_be_written(office, path):
    with pytest.raises(UnknownField):
        await office.start("customer", "number,name\n1,A\n", mapping=Mapping({"name": path}))


def numbered(count: int) -> str:
    rows = (f"{n},Customer {n},{'Atlantis' if n == 7 else 'CN'}\n" for n in range(count))
    return "number,name,country\n" + "".join(rows)


async def call_off(office, import_id) -> None:
    async with office.databases.tenant_write(office.company.ref) as write:
        await cancel_import(write, await office.viewer(), import_id=import_id, clock=office.clock)


@pytest.mark.requirement("A9")
async def test_an_import_that_is_called_off_keeps_what_was_accepted_and_can_be_done_again(office):
    import_id = await office.start("customer", numbered(5_000))
    working = asyncio.create_task(office.work())
    while (await office.outcome(import_id)).row["rows_done"] < 1_000:  # noqa: ASYNC110 - the job tells nobody here
        await asyncio.sleep(0.01)
    await call_off(office, import_id)
    await working
    stopped = await office.outcome(import_id)
    dealt_with = stopped.row["rows_done"]
    assert (stopped.state, stopped.row["rows_total"]) == ("CANCELLED", 5_000)
    assert 1_000 <= dealt_with < 5_000
    assert stopped.counts == (dealt_with - 1, 0, 0, 1, 0)
    assert set(stopped.reasons) == {9}
    assert len(await office.rows("SELECT 1 FROM customer")) == dealt_with - 1
    with pytest.raises(AlreadyFinished):
        await call_off(office, import_id)
    again = await office.imports("customer", numbered(5_000).replace("Atlantis", "CN"))
    assert again.counts == (5_001 - dealt_with, 0, dealt_with - 1, 0, 0)


async def test_an_import_that_is_called_off_before_it_begins_does_nothing(office):
    import_id = await office.start("customer", numbered(10))
    await call_off(office, import_id)
    await office.work()
    stopped = await office.outcome(import_id)
    assert (stopped.state, stopped.counts, stopped.rejected) == ("CANCELLED", (0, 0, 0, 0, 0), [])
    assert await office.rows("SELECT 1 FROM customer") == []


async def test_an_import_whose_job_is_called_off_is_called_off(office):
    import_id = await office.start("customer", numbered(10))
    job = office.rows("SELECT job_id FROM import WHERE id = $1", import_id)
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch(
            "UPDATE work.job SET cancel_requested = true WHERE id = $1", (await job)[0]["job_id"]
        )
    drained = await run_jobs(office.databases, settings=office.settings)
    assert drained.outcomes[RunOutcome.CANCELLED] == 1
    assert (await office.outcome(import_id)).state == "CANCELLED"
    assert await office.rows("SELECT 1 FROM customer") == []


async def test_two_imports_of_the_same_customers_at_once_make_each_customer_once(office):
    text = numbered(3_000).replace("Atlantis", "CN")
    ids = [await office.start("customer", text) for _ in range(2)]
    await asyncio.gather(office.work(), office.work())
    first, second = [await office.outcome(import_id) for import_id in ids]
    assert (first.state, second.state) == ("DONE", "DONE")
    assert first.row["created"] + second.row["created"] == 3_000
    assert first.row["unchanged"] + second.row["unchanged"] == 3_000
    assert len(await office.rows("SELECT 1 FROM customer")) == 3_000
    audited = await office.rows("SELECT DISTINCT record_id FROM audit WHERE record = 'customer'")
    assert len(audited) == 3_000


async def test_a_list_of_a_company_that_has_just_imported_is_read_by_the_index(office):
    await office.imports("customer", numbered(1_200).replace("Atlantis", "CN"))
    plan = await office.rows(
        "EXPLAIN SELECT name FROM customer WHERE archived_at IS NULL ORDER BY name_sort, id LIMIT 100"
    )
    assert any("ix_customer_name_sort" in row["QUERY PLAN"] for row in plan), plan


async def test_duplicate_keys_are_found_over_the_whole_file(office):
    rows = "".join(f"{n},Customer {n}\n" for n in range(700))
    done = await office.imports("customer", f"number,name\n{rows}3,Again\n699,Again\n")
    assert done.counts == (700, 0, 0, 2, 0)
    assert done.reasons == {
        702: ("DUPLICATE_KEY", "number: Row 5 has the same key."),
        703: ("DUPLICATE_KEY", "number: Row 701 has the same key."),
    }


async def test_a_preview_shows_what_an_import_would_see(office):
    text = "Number;名称;客户负责人;Stadt\n1;Ä;;Wien\n'=x;B\n"
    file_id = await office.keep(text.encode("gb18030"))
    viewer = await office.viewer()
    seen = await preview_import(office.databases, office.files, viewer, file_id=file_id, record="customer")
    assert (seen.format, seen.encoding, seen.delimiter) == ("CSV", "GB18030", ";")
    assert seen.columns == ("Number", "名称", "客户负责人", "Stadt")
    assert seen.mapping == {"Number": "number", "名称": "name", "客户负责人": "owner"}
    assert [list(row.cells) for row in seen.rows] == [["1", "Ä", "", "Wien"], ["'=x", "B"]]
    assert seen.rows[1].problem.code == "BROKEN_ROW"
    assert {offer.path for offer in seen.fields if offer.required} == {"name"}
    file_id = await office.keep("city\nWien\n")
    seen = await preview_import(office.databases, office.files, viewer, file_id=file_id, record="customer")
    assert [problem.code for problem in seen.problems] == ["MISSING_COLUMNS"]


async def test_a_finished_import_that_is_run_again_changes_nothing(office):
    import_id = await office.start("customer", "number,name\n1,A\n", mode="CREATE")
    await office.work()
    before = await office.all_rows()
    async with office.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'waiting', finished_at = NULL, checkpoint = NULL WHERE kind = 'imports.run'"
        )
    drained = await run_jobs(office.databases, settings=office.settings)
    assert drained.done == 1
    assert await office.all_rows() == before
    assert (await office.outcome(import_id)).counts == (1, 0, 0, 0, 0)
