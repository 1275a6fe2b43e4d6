"""Who is calling: any way of writing a number brings up its customer, and nobody who may not be found by it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.database import TenantRead
from kedang_platform.phones import number_asked
from kedang_tenants.portrait.calls import look_up_call
from tests.support.members import viewer_of

LOOK_UP = """
query ($number: String!, $first: Int! = 10) { callLookup(number: $number, first: $first) {
  matches { customer { name } contact { name } matchedBy phone }
  more e164 contactsSearched
} }"""
WAYS = (
    "+86 138 0013 8000", "13800138000", "138-0013-8000", "138.0013.8000", "(138) 0013 8000", "013800138000",
    "0086 138 0013 8000", "１３８００１３８０００", "＋８６ １３８ ００１３ ８０００", "tel:+86-138-0013-8000",
    "tel:13800138000;phone-context=+86", "sip:+8613800138000@pbx.example;user=phone", "138 0013 8000 ext. 7",
    "13800138000转7", "86 138 0013 8000",
)  # fmt: skip


def names(answer):
    """The matches as (customer, contact, how)."""
    return [
        (match["customer"]["name"], match["contact"] and match["contact"]["name"], match["matchedBy"])
        for match in answer.data["callLookup"]["matches"]
    ]


async def looked_up(ask, number, **more):
    return names(await ask(LOOK_UP, {"number": number, **more}))


@pytest.mark.requirement("A10")
async def test_a_number_is_found_however_it_is_written(office):
    ask = await office.ask("OWNER")
    customer = await office.factory.one("customer", name="Alfreds Futterkiste", phone="138 0013-8000")
    await office.factory.one("contact", customer_id=customer, name="Maria Anders", phone="010-65123456转12")
    await office.factory.one("customer", name="Ana Trujillo", phone="138 0013 8001")
    for way in WAYS:
        answer = await ask(LOOK_UP, {"number": way})
        assert names(answer) == [("Alfreds Futterkiste", None, "E164")], way
        assert answer.data["callLookup"]["matches"][0]["phone"] == "138 0013-8000"
        assert (answer.data["callLookup"]["e164"], answer.data["callLookup"]["more"]) == (
            "+8613800138000",
            False,
        )
    for way in ("(010) 6512 3456", "+86 10 6512 3456", "010-65123456-8012"):
        assert await looked_up(ask, way) == [("Alfreds Futterkiste", "Maria Anders", "E164")], way
    for ending in ("8000", "3-8000", "0013 8000", "8 0013 8000"):
        assert await looked_up(ask, ending) == [("Alfreds Futterkiste", None, "ENDING")], ending
    assert await looked_up(ask, "65123456") == [("Alfreds Futterkiste", "Maria Anders", "ENDING")]
    assert await looked_up(ask, "13800138002") == []
    assert await looked_up(ask, "9999") == []


@pytest.mark.requirement("A10")
async def test_a_number_that_is_valid_nowhere_is_found_by_its_digits_also_with_the_country_before_it(office):
    ask = await office.ask("OWNER")
    await office.factory.one("customer", name="Antonio Moreno", phone="(5) 555-3932", country="MX")
    await office.factory.one("customer", name="Hanna Moos", phone="0621-0", country="DE")
    for number, how in (
        ("5 555 3932", "RAW"),
        ("55553932", "RAW"),
        ("+52 5 555 3932", "RAW"),
        ("555-3932", "ENDING"),
        ("3932", "ENDING"),
    ):
        assert await looked_up(ask, number) == [("Antonio Moreno", None, how)], number
    assert await looked_up(ask, "06210") == [("Hanna Moos", None, "RAW")]
    assert await looked_up(ask, "+49 621 0") == [], "too short to be a number without its country"


@pytest.mark.requirement("A10")
async def test_several_matches_are_offered_the_likeliest_first(office):
    ask = await office.ask("OWNER")
    make = office.factory
    scheme = await make.one("grade_scheme")
    levels = [
        await make.one("grade_level", scheme_id=scheme, code=code, position=at)
        for at, code in enumerate("AB", 1)
    ]

    async def customer(name, phone, **values):
        return await make.one("customer", name=name, phone=phone, **values)

    plain = await customer("Plain", "021-5555 4321")
    await customer("Recent", "021-5556 4321", last_contact_at=datetime(2026, 3, 2, tzinfo=UTC))
    await customer("Older", "021-5557 4321", last_contact_at=datetime(2025, 3, 2, tzinfo=UTC))
    await customer("Grade B", "021-5558 4321", grade_level_id=levels[1], grade_rank=2)
    await customer("Grade A", "021-5559 4321", grade_level_id=levels[0], grade_rank=1)
    await customer("Whole", "4321")
    await make.one("contact", customer_id=plain, name="Maria Anders", phone="138 0013 4321")
    in_order = [
        ("Whole", None, "RAW"),
        ("Plain", "Maria Anders", "ENDING"),
        ("Grade A", None, "ENDING"),
        ("Grade B", None, "ENDING"),
        ("Recent", None, "ENDING"),
        ("Older", None, "ENDING"),
        ("Plain", None, "ENDING"),
    ]
    assert await looked_up(ask, "4321") == in_order
    for first in range(1, 8):
        answer = await ask(LOOK_UP, {"number": "4321", "first": first})
        assert names(answer) == in_order[:first]
        assert answer.data["callLookup"]["more"] is (first < 7)


async def test_a_number_that_customer_and_contact_share_is_told_once_as_the_contacts(office):
    ask = await office.ask("OWNER")
    make = office.factory
    one, other = await make.many(
        "customer", [{"name": n, "phone": "021 6888 1234"} for n in ("One", "Other")]
    )
    await make.many(
        "contact",
        [
            {"customer_id": one, "name": "Ann", "phone": "+86 21 6888 1234"},
            {"customer_id": one, "name": "Ben", "phone": "021-68881234"},
            {"customer_id": other, "name": "Cy", "phone": "021 6888 9999"},
        ],
    )
    found = await looked_up(ask, "021 6888 1234")
    assert sorted(found[:2]) == [("One", "Ann", "E164"), ("One", "Ben", "E164")]
    assert found[2:] == [("Other", None, "E164")]


@pytest.mark.requirement("A10", "A11")
async def test_nobody_is_found_by_a_number_that_is_not_for_the_asker(office):
    make = office.factory
    nancy, ask_nancy = await office.hire("REPRESENTATIVE")
    janet, ask_janet = await office.hire("REPRESENTATIVE")
    mine = await make.one("customer", name="Mine", owner_id=nancy.id, phone="021 6888 7777")
    hers = await make.one("customer", name="Hers", owner_id=janet.id, phone="021 6889 7777")
    await make.one("contact", customer_id=mine, name="My contact", phone="138 0013 7777")
    await make.one("contact", customer_id=hers, name="Her contact", phone="138 0014 7777")
    my_own = [("Mine", "My contact", "ENDING"), ("Mine", None, "ENDING")]
    her_own = [("Hers", "Her contact", "ENDING"), ("Hers", None, "ENDING")]
    # Nancy sees Janet's customer by name, as one of her department, but not its numbers.
    seen = await ask_nancy("{ customers { nodes { name phone } } }")
    assert seen.data["customers"]["nodes"] == [
        {"name": "Hers", "phone": None},
        {"name": "Mine", "phone": "021 6888 7777"},
    ]
    assert await looked_up(ask_nancy, "7777") == my_own
    assert await looked_up(ask_nancy, "021 6889 7777") == []
    assert await looked_up(ask_nancy, "138 0014 7777") == []
    assert await looked_up(ask_janet, "7777") == her_own
    everything = sorted([*my_own, *her_own], key=str)
    for role in ("OWNER", "SERVICE_AGENT", "ARCHIVE_KEEPER", "GENERAL_MANAGER", "DEPARTMENT_MANAGER"):
        assert sorted(await looked_up(await office.ask(role), "7777"), key=str) == everything, role
    stranger = await office.ask("DEPARTMENT_MANAGER", elsewhere=True)
    assert await looked_up(stranger, "7777") == []
    # A marketer reads the customers' own numbers; those of contacts are masked, and so not looked through.
    for role in ("MARKETER", "FINANCE", "VIEW_ONLY"):
        answer = await (await office.ask(role))(LOOK_UP, {"number": "7777"})
        assert sorted(names(answer)) == [("Hers", None, "ENDING"), ("Mine", None, "ENDING")], role
        assert answer.data["callLookup"]["contactsSearched"] is False


@pytest.mark.requirement("A11")
async def test_what_is_masked_of_a_caller_is_null_and_told(office):
    customer = await office.factory.one("customer", name="Alfreds", phone="021 6888 7777")
    await office.factory.one("contact", customer_id=customer, name="Maria", phone="138 0013 8000")
    query = """{
      callLookup(number: "7777") { matches { who: customer { name contacts { nodes { name phone } } } } }
      all: contacts { nodes { name phone } }
    }"""
    answer = await (await office.ask("MARKETER"))(query)
    maria = {"nodes": [{"name": "Maria", "phone": None}]}
    matches = [{"who": {"name": "Alfreds", "contacts": maria}}]
    assert answer.data == {"callLookup": {"matches": matches}, "all": maria}
    assert answer.masked == ["all.nodes.*.phone", "callLookup.matches.*.who.contacts.nodes.*.phone"]
    assert (await (await office.ask("OWNER"))(query)).masked == []


async def test_whoever_has_no_role_may_look_up_nothing(office):
    answer = await (await office.ask())(LOOK_UP, {"number": "7777"})
    assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], None)


async def test_archived_customers_and_contacts_do_not_call(office):
    ask = await office.ask("OWNER")
    make = office.factory
    gone, here = await make.many("customer", [{"name": "Gone", "phone": "021 6888 5555"}, {"name": "Here"}])
    contacts = await make.many(
        "contact",
        [
            {"customer_id": gone, "name": "Of the gone", "phone": "021 6889 5555"},
            {"customer_id": here, "name": "Left", "phone": "021 6890 5555"},
        ],
    )
    assert len(await looked_up(ask, "5555")) == 3
    await make.archive("customer", gone)
    await make.archive("contact", contacts[1])
    assert await looked_up(ask, "5555") == []


@pytest.mark.requirement("A10", "T1")
async def test_another_companys_number_is_nobodys(open_office, two_companies):
    own, other = [await open_office(company) for company in two_companies]
    await other.factory.one("customer", name="Rival's", phone="138 0013 8000")
    ask_own, ask_other = await own.ask("OWNER"), await other.ask("OWNER")
    for number in ("8000", "138 0013 8000"):
        assert await looked_up(ask_own, number) == []
        assert len(await looked_up(ask_other, number)) == 1


@pytest.mark.parametrize(
    ("number", "first", "code"),
    [
        ("", 10, "NUMBER_TOO_SHORT"), ("123", 10, "NUMBER_TOO_SHORT"), ("ask the porter", 10, "NUMBER_TOO_SHORT"),
        ("12 转 3456", 10, "NUMBER_TOO_SHORT"), ("0" * 9, 10, "NUMBER_TOO_SHORT"), ("000000123", 10, "NUMBER_TOO_SHORT"), ("1" * 251, 10, "NUMBER_TOO_LONG"), ("1234", 0, "BAD_USER_INPUT"),
        ("1234", 51, "BAD_USER_INPUT"),
    ],
)  # fmt: skip
async def test_what_is_no_number_is_refused(office, number, first, code):
    answer = await (await office.ask("OWNER"))(LOOK_UP, {"number": number, "first": first})
    assert (answer.codes, answer.body["data"]) == ([code], None)


async def test_refusals_are_told_in_the_askers_language_and_strangers_are_asked_to_sign_in(office):
    answer = await (await office.ask("OWNER"))(LOOK_UP, {"number": "12"})
    assert answer.errors[0]["message"] == "Give at least the last 4 digits of the number."
    anonymous = await office.gateway.client()(LOOK_UP, {"number": "1234"})
    assert anonymous.codes == ["UNAUTHENTICATED"]


BRIEF = """
query ($number: String!, $prices: Int! = 5) { callLookup(number: $number) { matches {
  customer {
    name nextFollowUpOn
    orders(orderBy: [{field: ORDERED_ON, direction: DESC}], first: 2) { nodes {
      number total deliveries { nodes { number state } }
    } }
    serviceRequests(where: {state: {in: [NEW, IN_PROGRESS, WAITING]}}) { nodes { title } }
  }
  contact { name customer { name } }
  openOrders openDeliveries openRequests
  lastPrices(first: $prices) { product { name } unitPrice currency quantity discount orderedOn orderNumber }
} } }"""


@pytest.fixture
async def two_callers(office):
    """Two customers of one ending, with what they bought, and what is open with them."""
    make = office.factory
    customers = await make.many(
        "customer",
        [
            {"name": "Alfreds Futterkiste", "phone": "021 6888 7777", "grade_rank": 1},
            {"name": "Bon app'", "phone": "021 6889 7777", "next_follow_up_on": date(2026, 4, 1)},
        ],
    )
    await make.one("contact", customer_id=customers[1], name="Laurence Lebihan", phone="138 0013 7777")
    products = await make.many("product", [{"name": name} for name in ("Chai", "Chang", "Tofu")])
    sold = [  # customer, day, state, lines of product, quantity, price, discount
        (0, date(2026, 1, 5), "DELIVERED", [(0, "10", "18", "0"), (1, "2", "19", "0.15")]),
        (0, date(2026, 2, 5), "OPEN", [(0, "5", "18.5", "0.05")]),
        (0, date(2026, 3, 5), "CANCELLED", [(1, "1", "1", "0"), (2, "1", "2", "0")]),
        (1, date(2026, 1, 7), "OPEN", [(2, "3", "23.25", "0")]),
        (1, date(2026, 1, 7), "OPEN", [(2, "4", "23.5", "0"), (1, "4", "19", "0")]),
    ]
    for at, (customer, day, state, lines) in enumerate(sold):
        order = await make.one(
            "order",
            number=f"O{at}",
            customer_id=customers[customer],
            ordered_on=day,
            state=state,
            currency="CNY",
        )
        await make.many(
            "order_line",
            [
                {
                    "order_id": order,
                    "product_id": products[product],
                    "quantity": Decimal(quantity),
                    "unit_price": Decimal(price),
                    "discount": Decimal(discount),
                    "position": position,
                }
                for position, (product, quantity, price, discount) in enumerate(lines, 1)
            ],
        )
        if state == "OPEN":
            await make.many(
                "delivery",
                [
                    {"number": f"D{at}", "order_id": order, "state": "SHIPPED", "shipped_on": day},
                    {"number": f"E{at}", "order_id": order, "state": "CANCELLED"},
                ],
            )
    for customer, state in ((0, "NEW"), (0, "WAITING"), (0, "CLOSED"), (1, "SOLVED")):
        await make.one(
            "service_request", customer_id=customers[customer], title=f"It is {state}", state=state
        )
    return customers


@pytest.mark.requirement("A10")
async def test_orders_deliveries_requests_next_follow_up_and_prices_come_in_the_same_answer(
    office, two_callers
):
    answer = await (await office.ask("SERVICE_AGENT"))(BRIEF, {"number": "7777"})
    contact, first, second = answer.data["callLookup"]["matches"]
    assert contact["contact"] == {"name": "Laurence Lebihan", "customer": {"name": "Bon app'"}}
    assert first["customer"] == {
        "name": "Alfreds Futterkiste",
        "nextFollowUpOn": None,
        "orders": {
            "nodes": [
                {"number": "O2", "total": 300, "deliveries": {"nodes": []}},
                {
                    "number": "O1",
                    "total": 8788,
                    "deliveries": {
                        "nodes": [
                            {"number": "D1", "state": "SHIPPED"},
                            {"number": "E1", "state": "CANCELLED"},
                        ]
                    },
                },
            ]
        },
        "serviceRequests": {"nodes": [{"title": "It is NEW"}, {"title": "It is WAITING"}]},
    }
    assert (first["openOrders"], first["openDeliveries"], first["openRequests"]) == (1, 1, 2)
    assert (second["openOrders"], second["openDeliveries"], second["openRequests"]) == (2, 2, 0)
    assert first["lastPrices"] == [
        {
            "product": {"name": "Chai"}, "unitPrice": "18.5", "currency": "CNY", "quantity": "5", "discount": "0.05",
            "orderedOn": "2026-02-05", "orderNumber": "O1",
        },
        {
            "product": {"name": "Chang"}, "unitPrice": "19", "currency": "CNY", "quantity": "2", "discount": "0.15",
            "orderedOn": "2026-01-05", "orderNumber": "O0",
        },
    ]  # fmt: skip
    assert second["customer"]["nextFollowUpOn"] == "2026-04-01"
    assert second["customer"] == contact["customer"]
    assert second["lastPrices"] == contact["lastPrices"]
    assert [(p["product"]["name"], p["unitPrice"], p["orderNumber"]) for p in second["lastPrices"]] == [
        ("Chang", "19", "O4"),
        ("Tofu", "23.5", "O4"),
    ]


async def test_an_archived_order_is_neither_open_nor_on_its_way_and_tells_no_price(office, two_callers):
    ask = await office.ask("OWNER")
    (order,) = (await ask('{ orders(where: {number: {eq: "O1"}}) { nodes { id } } }')).data["orders"]["nodes"]
    await office.factory.archive("order", UUID(hex=order["id"].removeprefix("ord_")))
    (match,) = (await ask(BRIEF, {"number": "021 6888 7777"})).data["callLookup"]["matches"]
    assert (match["openOrders"], match["openDeliveries"], match["openRequests"]) == (0, 0, 2)
    told = [(price["product"]["name"], price["unitPrice"]) for price in match["lastPrices"]]
    assert sorted(told) == [("Chai", "18"), ("Chang", "19")]


@pytest.mark.requirement("A10")
async def test_last_prices_are_those_of_independent_sql(office, two_callers):
    """Each product's latest line that is not cancelled, found here row by row."""
    ask = await office.ask("OWNER")
    async with office.factory.databases.tenant_read(office.factory.company.ref) as read:
        rows = await read.fetch(
            "SELECT o.customer_id, l.product_id, p.name, l.unit_price, o.ordered_on, o.id AS order_id, l.id"
            " FROM order_line l JOIN sales_order o ON o.id = l.order_id JOIN product p ON p.id = l.product_id"
            " WHERE o.state <> 'CANCELLED'"
        )
    rows.sort(key=lambda row: (row["ordered_on"], row["order_id"], row["id"]), reverse=True)
    for prices in (1, 2, 3):
        answer = await ask(BRIEF, {"number": "7777", "prices": prices})
        for match in answer.data["callLookup"]["matches"]:
            named = "query ($name: String!) { customers(where: {name: {eq: $name}}) { nodes { id } } }"
            (customer,) = (await ask(named, {"name": match["customer"]["name"]})).data["customers"]["nodes"]
            latest = {}
            for row in rows:
                if row["customer_id"].hex == customer["id"].removeprefix("cus_"):
                    latest.setdefault(row["product_id"], row)
            expected = [(row["name"], f"{row['unit_price'].normalize():f}") for row in latest.values()]
            told = [(price["product"]["name"], price["unitPrice"]) for price in match["lastPrices"]]
            assert told == expected[:prices]


async def test_what_an_asker_may_not_read_is_null(office, two_callers):
    """A technician's rights are those of a service agent; whoever has none on orders is told nothing of them."""
    answer = await (await office.ask("REPRESENTATIVE"))(BRIEF, {"number": "7777"})
    assert answer.data["callLookup"]["matches"] == []
    answer = await (await office.ask("OWNER"))(BRIEF, {"number": "7777", "prices": 0})
    assert set(answer.codes) == {"BAD_USER_INPUT"}
    assert [match["lastPrices"] for match in answer.body["data"]["callLookup"]["matches"]] == [None] * 3


async def test_ten_matches_take_no_more_statements_than_one(office, two_callers, monkeypatch):
    ask = await office.ask("OWNER")
    statements = []
    fetch = TenantRead.fetch

    async def counted(self, sql, *args):
        statements.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(TenantRead, "fetch", counted)

    async def statements_of(number):
        await ask(BRIEF, {"number": number})
        statements.clear()
        matches = (await ask(BRIEF, {"number": number})).data["callLookup"]["matches"]
        return len(matches), len(statements)

    one = await statements_of("021 6888 7777")
    three = await statements_of("7777")
    more = [{"name": f"Another {n}", "phone": f"021 69{n:02d} 7777"} for n in range(7)]
    await office.factory.many("customer", more)
    ten = await statements_of("7777")
    assert [one[0], three[0], ten[0]] == [1, 3, 10]
    assert one[1] == 8, "the match, counts, prices, products, the customer and three lists below it"
    assert three[1] == ten[1] == 9, "and the contacts"


def spellings(number: str):
    """Ways of writing a Chinese number with all its digits: any separators, any form of the prefix, any digits."""
    prefix = st.sampled_from(
        ["", "+86", "0086", "86", "+86 0", "0", "tel:+86", "tel:+86-", "＋８６", "(+86)"]
    )
    separators = st.lists(
        st.sampled_from(["", " ", "-", ".", "  ", " - "]), min_size=len(number), max_size=len(number)
    )
    tail = st.sampled_from(["", " ext. 12", "转12", ";ext=12", " x12", "#12", "  "])
    wide = st.booleans()

    def spelled(parts):
        start, between, end, full = parts
        digits = "".join(
            digit + (gap if at < len(number) - 1 else "")
            for at, (digit, gap) in enumerate(zip(number, between, strict=True))
        )
        if full:
            digits = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in digits)
        return f"{start}{digits}{end}"

    return st.tuples(prefix, separators, tail, wide).map(spelled)


MOBILE = st.from_regex(r"1(3[0-9]|5[0-35-9]|8[0-9])[0-9]{8}", fullmatch=True)


@pytest.mark.requirement("A10")
@given(st.data(), MOBILE)
def test_any_spelling_of_a_valid_number_asks_for_the_same(data, number):
    asked = number_asked(data.draw(spellings(number)), "CN")
    assert asked.e164 == f"+86{number}"
    assert (asked.ending, asked.whole[0]) == (f"86{number}"[::-1], f"86{number}"[::-1])


@pytest.mark.requirement("A10")
async def test_any_spelling_of_a_stored_number_finds_any_spelling_of_it(office):
    """Stored and asked in spellings of their own: the same customer comes first, every time."""
    owner, _ = await office.hire("OWNER")
    viewer = await viewer_of(office.factory.databases, owner)
    company = office.factory.company.ref
    examples = []

    @settings(max_examples=120, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.data(), MOBILE)
    def collect(data, number):
        kept, asked = data.draw(spellings(number)), data.draw(spellings(number))
        if number not in {known for known, _, _ in examples} and len(kept) <= 60:
            examples.append((number, kept, asked))

    collect()
    assert len(examples) > 20
    customers = await office.factory.many("customer", [{"name": n, "phone": kept} for n, kept, _ in examples])
    async with office.factory.databases.tenant_read(company) as read:
        for customer, (_, kept, asked) in zip(customers, examples, strict=True):
            found = await look_up_call(read, viewer, number=asked, limit=10)
            assert [match.customer_id for match in found.matches] == [customer], (kept, asked)
            assert found.matches[0].phone == kept.strip()
