"""The analysis says what the rows say: compared with figures worked out in plain Python, viewer by viewer (V6)."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert as sql_insert

from kedang_platform.clock import SystemClock
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.analysis import AnalysisRequest, GroupBy, analyse
from kedang_tenants.surveys.statistics import net_promoter_score, share
from kedang_tenants.surveys.versions import draft_version, publish_version
from tests.support.answering import Asked, ask
from tests.support.factories import Factory
from tests.support.members import TestMember, make_member, viewer_of

pytestmark = pytest.mark.requirement("V6")

FIRST, END = date(2026, 2, 1), date(2026, 5, 1)
ZONE = ZoneInfo("Asia/Shanghai")
LEVELS = ("VERY_SATISFIED", "FAIRLY_SATISFIED", "BASICALLY_SATISFIED", "NOT_VERY_SATISFIED", "NOT_SATISFIED")
# The first and the last moment of the period, and those beside it, in the company's zone.
EDGES = (
    datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=ZONE),
    datetime(2026, 2, 1, tzinfo=ZONE),
    datetime(2026, 4, 30, 23, 59, 59, 999_999, tzinfo=ZONE),
    datetime(2026, 5, 1, tzinfo=ZONE),
    datetime(2026, 3, 1, tzinfo=ZONE),
)


@dataclass
class World:
    """A company with customers of several owners, two versions of a questionnaire, and what was answered."""

    databases: Any
    asked: Asked
    members: dict[str, TestMember]
    departments: dict[str, set[UUID]]
    second_version: UUID
    rows: dict[str, list[dict[str, Any]]]

    async def viewer(self, who):
        if who == "product":
            async with self.databases.tenant_read(self.asked.company.ref) as read:
                return await system_viewer(read, company=self.asked.company)
        return await viewer_of(self.databases, self.members[who])

    async def analyse(self, who="owner", *, questionnaire_id=None, first=FIRST, end=END, **more):
        request = AnalysisRequest(questionnaire_id or self.asked.questionnaire_id, first, end, **more)
        viewer = await self.viewer(who)
        async with self.databases.tenant_read(self.asked.company.ref) as read:
            return await analyse(read, viewer, request)

    def sees(self, who, customer):
        """Whose answers somebody may read, as the policy of the product says it in words."""
        member = self.members[who]
        match who:
            case "representative" | "other representative":
                return customer["owner_id"] == member.id
            case "manager":
                return customer["owner_id"] in self.departments["sales"]
        return True


async def build(databases, company, *, seed: int) -> World:
    chance = Random(seed)
    asked = await ask(databases, company)
    factory = Factory(databases, company)
    sales = await factory.one("department", name="Sales")
    members = {
        "owner": await make_member(databases, company, "OWNER"),
        "representative": await make_member(
            databases, company, "REPRESENTATIVE", name="Nancy", department_id=sales
        ),
        "other representative": await make_member(databases, company, "REPRESENTATIVE", name="Andrew"),
        "manager": await make_member(
            databases, company, "DEPARTMENT_MANAGER", name="Janet", department_id=sales
        ),
        "marketer": await make_member(databases, company, "MARKETER"),
        "onlooker": await make_member(databases, company, "VIEW_ONLY", seat="VIEW_ONLY"),
        "finance": await make_member(databases, company, "FINANCE"),
    }
    second = await publish_again(databases, company, asked)
    levels = await grade_levels(factory)
    customers = await customers_of(factory, chance, members, levels)
    await answers_of(factory, chance, asked, (asked.version_id, second), customers)
    departments = {"sales": {members["representative"].id, members["manager"].id}}
    return World(databases, asked, members, departments, second, await all_rows(asked))


async def publish_again(databases, company, asked):
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        clock = SystemClock()
        second = await draft_version(write, viewer, questionnaire_id=asked.questionnaire_id, clock=clock)
    rows = await asked.rows("SELECT id FROM survey_item WHERE version_id = $1 AND key = 'skill'", second)
    texts = {"en": "Skill of the technician", "zh": "技术人员的能力"}
    await Factory(databases, company).update("survey_item", rows[0]["id"], label=texts)
    async with databases.tenant_write(company.ref) as write:
        await publish_version(write, viewer, version_id=second, clock=clock)
    return second


async def grade_levels(factory):
    scheme = await factory.one("grade_scheme", name="By sales")
    rows = [
        {
            "scheme_id": scheme,
            "code": code,
            "position": place,
            "name": {"en": f"Level {code}", "zh": f"{code}级"},
        }
        for place, code in enumerate(("B", "A"), 1)  # the best is not the first of the alphabet
    ]
    return await factory.many("grade_level", rows)


async def customers_of(factory, chance, members, levels):
    owners = [members[who].id for who in ("representative", "other representative", "manager")] + [None]
    rows = [
        {
            "name": f"Customer {number}",
            "owner_id": owners[number % 4],
            "region": chance.choice(["华东", "Bavaria", None]),
            "grade_level_id": chance.choice([*levels, None]),
        }
        for number in range(16)
    ]
    return await factory.many("customer", rows)


async def answers_of(factory, chance, asked, versions, customers):
    items = {
        version: await asked.rows(
            "SELECT id, key, kind FROM survey_item WHERE version_id = $1 ORDER BY position", version
        )
        for version in versions
    }
    invitations, answers, given = [], [], []
    for number in range(120):
        version = chance.choice(versions)
        customer = chance.choice(customers)
        at = EDGES[number % 5] if number < 20 else moment(chance)
        state = chance.choice(
            ["SENT", "OPENED", "ANSWERED", "ANSWERED", "BOUNCED", "EXPIRED", "VISIT", "SKIPPED"]
        )
        answered = state in {"ANSWERED", "VISIT"}
        submitted = EDGES[number % 5] if number < 20 else at + timedelta(days=chance.randint(0, 20))
        invitation = {
            "id": new_id(),
            "questionnaire_id": asked.questionnaire_id,
            "version_id": version,
            "customer_id": customer,
            "language": "EN",
            "channel": "VISIT" if state == "VISIT" else "EMAIL",
            "state": "ANSWERED" if state == "VISIT" else state,
            "due_at": at,
            "sent_at": None if state in {"VISIT", "SKIPPED", "BOUNCED"} else at,
            "answered_at": submitted if answered else None,
            "expires_at": at + timedelta(days=14),
        }
        invitations.append(invitation)
        if answered or chance.random() < 0.2:
            answers.append(answer_of(chance, invitation, submitted if answered else None))
            given += entries_of(chance, answers[-1], items[version])
    await insert(asked, "survey_invitation", invitations)
    await insert(asked, "survey_answer", answers)
    await insert(asked, "survey_item_answer", given)


def moment(chance):
    return datetime(2026, 1, 10, tzinfo=UTC) + timedelta(minutes=chance.randrange(130 * 24 * 60))


def answer_of(chance, invitation, submitted):
    return {
        "id": new_id(),
        "invitation_id": invitation["id"],
        **{name: invitation[name] for name in ("questionnaire_id", "version_id", "customer_id")},
        "state": "SUBMITTED" if submitted else "STARTED",
        "started_at": invitation["due_at"],
        "submitted_at": submitted,
        "source": "MEMBER" if invitation["channel"] == "VISIT" else "PAGE",
        "satisfaction": chance.choice([None, Decimal("4.25"), Decimal(3), Decimal("1.3333")]),
        "nps": chance.choice([None, *range(11)]),
        "unhappy": chance.random() < 0.3,
    }


def entries_of(chance, answer, items):
    for item in items:
        if item["kind"] == "GROUP" or chance.random() < 0.25:
            continue
        value: dict[str, Any] = {"level": None, "number": None, "choice": None, "day": None, "text": None}
        match item["kind"]:
            case "LEVEL":
                value["level"] = chance.choice([*LEVELS, None])
            case "NPS":
                value["number"] = Decimal(chance.randint(0, 10))
            case "CHOICE":
                value["choice"] = chance.choice(["PHONE", "EMAIL"])
            case "NUMBER":
                value["number"] = Decimal(chance.randint(0, 5_000)) / 100
            case "DATE":
                value["day"] = date(2026, 1, 1)
            case "TEXT":
                value["text"] = f"Wish {chance.random()}"
        comment = f"Comment {chance.random()}" if item["kind"] == "LEVEL" and chance.random() < 0.5 else None
        yield {"id": new_id(), "answer_id": answer["id"], "item_id": item["id"], **value, "comment": comment}


async def insert(asked, table, rows):
    """Rows as they are: the path of every write would not take most of these combinations."""
    now = datetime.now(UTC)
    stored = {"created_at": now, "updated_at": now, "version": 1, "custom": {}}
    async with asked.databases.tenant_write(asked.company.ref) as write:
        await write.execute(sql_insert(catalogue().record(table).table), [row | stored for row in rows])


async def all_rows(asked):
    tables = ("customer", "survey_invitation", "survey_answer", "survey_item_answer", "survey_item", "member")
    return {table: await asked.rows(f"SELECT * FROM {table}") for table in tables}


# The same figures in plain Python


@dataclass
class Reference:
    """What somebody should be told, read off the rows one by one."""

    world: World
    who: str
    version_id: UUID | None = None

    def __post_init__(self):
        rows = self.world.rows
        self.customers = {row["id"]: row for row in rows["customer"]}
        self.items = {row["id"]: row for row in rows["survey_item"]}
        self.invitations = [
            row | {"sent_at": sent_at(row)}
            for row in rows["survey_invitation"]
            if self.counts(row, sent_at(row))
        ]
        self.answers = [
            row
            for row in rows["survey_answer"]
            if row["state"] == "SUBMITTED" and self.counts(row, row["submitted_at"])
        ]

    def counts(self, row, at):
        return (
            at is not None
            and FIRST <= at.astimezone(ZONE).date() < END
            and self.world.sees(self.who, self.customers[row["customer_id"]])
            and self.version_id in {None, row["version_id"]}
        )

    def given(self, key, answers):
        ids = {row["id"] for row in answers}
        return [
            row
            for row in self.world.rows["survey_item_answer"]
            if row["answer_id"] in ids and self.items[row["item_id"]]["key"] == key
        ]


def sent_at(row):
    """A refused mail was not noted as sent; it was handed over when it was due."""
    return row["due_at"] if row["state"] == "BOUNCED" else row["sent_at"]


def assert_participation(told, invitations):
    bounced = [row for row in invitations if row["state"] == "BOUNCED"]
    answered = [row for row in invitations if row["state"] == "ANSWERED"]
    assert (told.sent, told.bounced) == (len(invitations), len(bounced))
    assert told.delivered == len(invitations) - len(bounced)
    assert told.answered == len(answered)
    assert told.response == share(len(answered), len(invitations) - len(bounced))


def mean(values):
    return pytest.approx(float(sum(values)) / len(values)) if values else None


def score(values):
    return net_promoter_score(
        len([value for value in values if value in {9, 10}]),
        len([value for value in values if value in {7, 8}]),
        len([value for value in values if value <= 6]),
    )


def assert_figures(told, reference, invitations, answers):
    assert_participation(told.participation, invitations)
    assert told.answers == len(answers)
    rated = [row["satisfaction"] for row in answers if row["satisfaction"] is not None]
    assert (told.rated, told.satisfaction) == (len(rated), mean(rated))
    assert told.unhappy == share(len([row for row in answers if row["unhappy"]]), len(answers))
    assert told.nps == score([row["nps"] for row in answers if row["nps"] is not None])
    by_key = {item.item.key: item for item in told.items}
    assert list(by_key) == ["punctual", "skill", "recommend", "contact", "machines", "visited", "wishes"]
    for key in ("punctual", "skill"):
        assert_levels(by_key[key], [row["level"] for row in reference.given(key, answers) if row["level"]])
    given = [row["number"] for row in reference.given("recommend", answers)]
    assert by_key["recommend"].nps == score(given)
    assert by_key["recommend"].n == len(given)
    assert_choices(by_key["contact"], [row["choice"] for row in reference.given("contact", answers)])
    numbers = [row["number"] for row in reference.given("machines", answers)]
    machines = by_key["machines"].numbers
    assert (by_key["machines"].n, machines.mean) == (len(numbers), mean(numbers))
    assert (machines.least, machines.most) == (min(numbers, default=None), max(numbers, default=None))
    for key in ("visited", "wishes"):
        assert by_key[key].n == len(reference.given(key, answers))


def assert_levels(told, levels):
    assert told.n == len(levels)
    counted = Counter(levels)
    shares = [counted[level] / len(levels) if levels else None for level in LEVELS]
    assert [(one.code, one.count, one.share) for one in told.levels.distribution] == [
        (level, counted[level], part) for level, part in zip(LEVELS, shares, strict=True)
    ]
    points = {level: 5 - place for place, level in enumerate(LEVELS)}
    assert told.levels.mean == mean([points[level] for level in levels])
    upper = [level for level in levels if points[level] >= 3]
    assert told.levels.satisfied == share(len(upper), len(levels))
    assert told.levels.top_two == share(len([level for level in levels if points[level] >= 4]), len(levels))


def assert_choices(told, choices):
    counted = Counter(choices)
    shares = {code: counted[code] / len(choices) if choices else None for code in ("PHONE", "EMAIL", "NEVER")}
    assert told.n == len(choices)
    assert [(one.code, one.count, one.share) for one in told.choices] == [
        (code, counted[code], part) for code, part in shares.items()
    ]


@pytest.fixture
async def world(databases, company):
    return await build(databases, company, seed=6)


VIEWERS = ("owner", "representative", "other representative", "manager", "marketer", "onlooker")


async def test_everybody_is_told_the_figures_of_the_customers_they_may_read(world):
    for who in VIEWERS:
        for version_id in (None, world.asked.version_id):
            told = await world.analyse(who, version_id=version_id)
            reference = Reference(world, who, version_id)
            assert reference.answers, "the case has something in it"
            assert_figures(told.total, reference, reference.invitations, reference.answers)
            assert told.groups == ()


async def test_groups_are_the_whole_told_apart(world):
    """Grade, region, month, version and owner, for each viewer; what has none comes last."""
    levels = await world.asked.rows("SELECT * FROM grade_level ORDER BY position")
    names = {row["id"]: row["name"] for row in world.rows["member"]}
    versions = {world.asked.version_id: "1", world.second_version: "2"}

    def of_customer(name):
        return lambda reference, row, at: reference.customers[row["customer_id"]][name]

    cases = {
        GroupBy.GRADE: (
            of_customer("grade_level_id"),
            {row["id"]: f"{row['code']} Level {row['code']}" for row in levels},
        ),
        GroupBy.REGION: (of_customer("region"), {"Bavaria": "Bavaria", "华东": "华东"}),
        GroupBy.OWNER: (of_customer("owner_id"), dict(sorted(names.items(), key=lambda pair: pair[1]))),
        GroupBy.VERSION: (lambda reference, row, at: row["version_id"], versions),
        GroupBy.MONTH: (
            lambda reference, row, at: row[at].astimezone(ZONE).strftime("%Y-%m"),
            {month: month for month in ("2026-02", "2026-03", "2026-04")},
        ),
    }
    for who in ("owner", "representative"):
        reference = Reference(world, who)
        for by, (key_of, labels) in cases.items():
            told = await world.analyse(who, group_by=by)
            invitations, answers = defaultdict(list), defaultdict(list)
            for row in reference.invitations:
                invitations[key_of(reference, row, "sent_at")].append(row)
            for row in reference.answers:
                answers[key_of(reference, row, "submitted_at")].append(row)
            keys = {*invitations, *answers}
            expected = [key for key in labels if key in keys] + [None] * (None in keys)
            assert [group.key for group in told.groups] == expected
            for group in told.groups:
                assert_figures(group.figures, reference, invitations[group.key], answers[group.key])
                if group.key is not None:
                    assert group.label["en"] == labels[group.key]
            assert told.total == (await world.analyse(who)).total


async def test_comments_are_the_latest_hundred_with_their_customers(world):
    for who in VIEWERS:
        told = await world.analyse(who)
        reference = Reference(world, who)
        answers = {row["id"]: row for row in reference.answers}
        written = [
            (answers[row["answer_id"]]["submitted_at"], row["answer_id"], row["text"] or row["comment"])
            for row in world.rows["survey_item_answer"]
            if row["answer_id"] in answers and (row["text"] or row["comment"])
        ]
        assert len(told.comments) == min(len(written), 100)
        assert {(one.at, one.answer_id, one.text) for one in told.comments} <= set(written)
        times = sorted((at for at, _, _ in written), reverse=True)[:100]
        assert [one.at for one in told.comments] == times
        for one in told.comments:
            customer = answers[one.answer_id]["customer_id"]
            assert one.customer_id == (None if who == "onlooker" else customer)


async def test_items_of_one_key_are_one_and_bear_the_latest_text(world):
    told = await world.analyse()
    labels = {item.item.key: item.item.label["en"] for item in told.total.items}
    assert labels["skill"] == "Skill of the technician"
    assert labels["punctual"] == "Punctuality"
    first = await world.analyse(version_id=world.asked.version_id)
    assert {item.item.key: item.item.label["en"] for item in first.total.items}["skill"] == "Technical skill"
    assert {item.item.key: item.item.heading for item in told.total.items}["skill"]["en"] == "Our service"


async def test_where_nothing_was_answered_nothing_is_said(world):
    told = (await world.analyse(first=date(2020, 1, 1), end=date(2020, 2, 1), group_by=GroupBy.GRADE)).total
    assert told.participation.response == share(0, 0)
    assert told.participation.response.estimate.value is None
    assert (told.answers, told.satisfaction, told.nps.estimate.value) == (0, None, None)
    by_kind = {item.item.kind: item for item in told.items}
    assert {item.n for item in told.items} == {0}
    assert by_kind["LEVEL"].levels.mean is None
    assert {one.share for one in by_kind["LEVEL"].levels.distribution} == {None}
    assert by_kind["LEVEL"].levels.satisfied.estimate.low is None
    assert {one.share for one in by_kind["CHOICE"].choices} == {None}
    assert by_kind["NUMBER"].numbers.mean is None


async def test_it_can_be_limited_to_customers_of_some_people(world):
    nancy = world.members["representative"]
    limited = await world.analyse("owner", people=(nancy.id,))
    assert limited == await world.analyse("representative")
    assert (await world.analyse("representative", people=())).total.answers == 0


async def test_who_reads_no_answers_is_refused(world):
    with pytest.raises(Forbidden):
        await world.analyse("finance")


@pytest.mark.parametrize("end", [FIRST, date(2026, 1, 31)])
async def test_a_period_without_a_day_is_refused(world, end):
    with pytest.raises(BadUserInput) as refused:
        await world.analyse(end=end)
    assert refused.value.path == ("to",)


async def test_a_version_of_another_questionnaire_is_not_found(world):
    other = await Factory(world.databases, world.asked.company).one("questionnaire")
    with pytest.raises(NotFound):
        await world.analyse(questionnaire_id=other, version_id=world.asked.version_id)
    with pytest.raises(NotFound):
        await world.analyse(version_id=new_id())


async def test_neither_company_has_anything_of_the_other(databases, two_companies):
    one, other = [await build(databases, company, seed=seed) for seed, company in enumerate(two_companies)]
    for mine, theirs in ((one, other), (other, one)):
        told = await mine.analyse()
        reference = Reference(mine, "owner")
        assert_figures(told.total, reference, reference.invitations, reference.answers)
        with pytest.raises(NotFound):
            await mine.analyse(questionnaire_id=theirs.asked.questionnaire_id)
        with pytest.raises(NotFound):
            await mine.analyse(version_id=theirs.asked.version_id)
