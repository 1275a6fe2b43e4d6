"""What a questionnaire asks is edited as a draft, published once, and never changes again."""

import asyncio

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.surveys.versions import DraftExists, VersionPublished, publish_version
from tests.support.surveying import Survey, archive, customer_with_mail, seed, survey

LABEL = {"en": "Delivery time", "zh": "交货时间"}


@pytest.fixture
async def drafts(shop):
    return await seed(shop)


async def state_of(shop, version_id):
    return await shop.value("SELECT state FROM questionnaire_version WHERE id = $1", version_id)


async def everything(shop):
    """All that questionnaires consist of, to see that nothing changed."""
    tables = ("questionnaire", "questionnaire_version", "survey_item")
    return [await shop.fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables]


def codes(refused) -> list[tuple[str, tuple]]:
    return [(error.code, tuple(error.path)) for error in refused.value.errors]


@pytest.mark.requirement("V1")
async def test_publishing_puts_a_version_in_force_and_supersedes_the_one_before(shop, drafts):
    asked = drafts["ON_VISIT"]
    await asked.publish()
    assert await state_of(shop, asked.version_id) == "PUBLISHED"
    second = await asked.draft()
    assert await state_of(shop, second) == "DRAFT"
    assert await shop.value("SELECT current_version_id FROM questionnaire WHERE id = $1", asked.id) == (
        asked.version_id
    )
    await asked.publish(second)
    assert (await state_of(shop, asked.version_id), await state_of(shop, second)) == (
        "SUPERSEDED",
        "PUBLISHED",
    )
    row = (await shop.fetch("SELECT * FROM questionnaire WHERE id = $1", asked.id))[0]
    assert row["current_version_id"] == second
    numbers = await shop.fetch(
        "SELECT number, published_at FROM questionnaire_version WHERE questionnaire_id = $1 ORDER BY number",
        asked.id,
    )
    assert numbers == [{"number": n, "published_at": shop.clock.now()} for n in (1, 2)]


@pytest.mark.requirement("V1")
async def test_a_new_draft_asks_what_the_published_one_asks_and_changing_it_leaves_that_alone(shop, drafts):
    asked = drafts["ON_VISIT"]
    await asked.publish()
    before = await asked.items()
    second = await asked.draft()
    copied = await asked.items(second)
    same = ("position", "key", "kind", "label", "help", "required", "commentable", "options")
    assert {k: [v[n] for n in same] for k, v in copied.items()} == {
        k: [v[n] for n in same] for k, v in before.items()
    }
    keys = {item["id"]: key for key, item in before.items()}
    new_keys = {item["id"]: key for key, item in copied.items()}
    assert {k: keys.get(v["parent_id"]) for k, v in before.items()} == {
        k: new_keys.get(v["parent_id"]) for k, v in copied.items()
    }
    assert not set(keys) & set(new_keys)
    texts = await shop.fetch(
        "SELECT introduction, thanks FROM questionnaire_version WHERE id = ANY($1)",
        [asked.version_id, second],
    )
    assert texts[0] == texts[1]
    await shop.update("survey_item", copied["price_value"]["id"], label=LABEL)
    assert await asked.items() == before


@pytest.mark.requirement("V1")
@pytest.mark.parametrize("superseded", [False, True])
async def test_nothing_of_a_published_version_changes_ever_again(shop, drafts, superseded):
    asked = drafts["ON_VISIT"]
    await asked.publish()
    if superseded:
        await asked.publish(await asked.draft())
    items = await asked.items()
    price, value = items["price"]["id"], items["price_value"]["id"]
    new = {"version_id": asked.version_id, "position": 99, "key": "new", "kind": "TEXT", "label": LABEL}
    before = await everything(shop)
    for attempt in (
        Change("survey_item", "create", values=new),
        Change("survey_item", "create", values={**new, "parent_id": price}),
        Change("survey_item", "update", value, values={"label": LABEL}),
        Change("survey_item", "update", value, values={"required": True}),
        Change("survey_item", "archive", value),
        Change("questionnaire_version", "update", asked.version_id, values={"thanks": LABEL}),
    ):
        for internally in (False, True):
            with pytest.raises(Refused) as refused:
                await shop.change(attempt, internally=internally)
            assert {code for code, _ in codes(refused)} == {"VERSION_PUBLISHED"}, attempt
    assert await everything(shop) == before
    with pytest.raises(VersionPublished):
        await asked.publish()
    assert await everything(shop) == before


@pytest.mark.requirement("V1")
async def test_people_set_neither_the_state_nor_the_number_of_a_version(shop, drafts):
    before = await everything(shop)
    for values in ({"state": "PUBLISHED"}, {"number": 7}, {"published_at": shop.clock.now()}):
        with pytest.raises(Refused) as refused:
            await shop.update("questionnaire_version", drafts["ON_VISIT"].version_id, **values)
        assert [code for code, _ in codes(refused)] == ["FORBIDDEN"]
    with pytest.raises(Refused):
        await shop.update(
            "questionnaire", drafts["ON_VISIT"].id, current_version_id=drafts["ON_VISIT"].version_id
        )
    assert await everything(shop) == before


@pytest.mark.requirement("V1")
async def test_there_is_one_draft_at_a_time(shop, drafts):
    with pytest.raises(DraftExists):
        await drafts["ON_VISIT"].draft()
    await drafts["ON_VISIT"].publish()
    made = await asyncio.gather(*(drafts["ON_VISIT"].draft() for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["DraftExists"] * 3 + ["UUID"]


@pytest.mark.requirement("V1")
async def test_a_new_questionnaire_begins_with_an_empty_draft(shop):
    questionnaire = await shop.create("questionnaire", name=LABEL)
    asked = Survey(shop, questionnaire, new_id())
    version = await asked.draft()
    assert await asked.items(version) == {}
    with pytest.raises(Refused) as refused:
        await asked.publish(version)
    assert codes(refused) == [("NO_QUESTIONS", ("input", "id"))]


@pytest.mark.requirement("V1")
async def test_what_is_not_whole_is_not_published_and_every_fault_is_told(shop):
    questionnaire = await shop.create("questionnaire", name={"en": "Fair"})
    asked = Survey(shop, questionnaire, new_id())
    version = await asked.draft()
    offer = {"code": "A", "label": {"zh": "甲"}}
    for position, values in enumerate(
        (
            {"key": "group", "kind": "GROUP", "label": LABEL},
            {"key": "level", "kind": "LEVEL", "label": {"zh": "质量"}},
            {"key": "helped", "kind": "TEXT", "label": LABEL, "help": {"en": "Freely"}},
            {"key": "choice", "kind": "CHOICE", "label": LABEL, "options": [offer]},
        ),
        1,
    ):
        await shop.create("survey_item", version_id=version, position=position, **values)
    before = await everything(shop)
    with pytest.raises(Refused) as refused:
        await asked.publish(version)
    assert [error.code for error in refused.value.errors] == [
        "EMPTY_HEADING",
        "MISSING_LANGUAGE",
        "MISSING_LANGUAGE",
        "MISSING_LANGUAGE",
        "NO_OPTIONS",
        "MISSING_LANGUAGE",
    ]
    assert [error.params.get("question") for error in refused.value.errors] == [
        "Delivery time",
        "质量",
        "Delivery time",
        "Delivery time",
        "Delivery time",
        None,
    ]
    assert await everything(shop) == before


@pytest.mark.requirement("V1")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("A", "INVALID_LIST"),
        ([{"code": "small", "label": LABEL}], "INVALID_OPTIONS"),
        (["A"], "INVALID_OPTIONS"),
        ([{"code": "A"}], "REQUIRED"),
        ([{"code": "A", "label": LABEL}] * 2, "INVALID_OPTIONS"),
        ([{"code": f"A{n}", "label": LABEL} for n in range(51)], "TOO_MANY"),
    ],
)
async def test_what_a_choice_offers_is_checked(shop, drafts, options, code):
    with pytest.raises(Refused) as refused:
        await shop.create(
            "survey_item",
            version_id=drafts["ON_VISIT"].version_id,
            position=90,
            key="choice",
            kind="CHOICE",
            label=LABEL,
            options=options,
        )
    assert codes(refused) == [(code, ("input", "options"))]


@pytest.mark.requirement("V1")
async def test_finer_questions_stand_under_a_heading_of_their_own_version(shop, drafts):
    asked = drafts["ON_VISIT"]
    items = await asked.items()
    elsewhere = (await drafts["AFTER_SALE"].items())["price"]["id"]
    new = {"version_id": asked.version_id, "position": 90, "key": "new", "label": LABEL}
    level, group = {**new, "kind": "LEVEL"}, {**new, "kind": "GROUP"}
    price, value = items["price"]["id"], items["price_value"]["id"]
    before = await everything(shop)
    for attempt in (
        Change("survey_item", "create", values={**level, "parent_id": value}),
        Change("survey_item", "create", values={**level, "parent_id": elsewhere}),
        Change("survey_item", "create", values={**group, "parent_id": price}),
        Change("survey_item", "update", price, values={"kind": "TEXT"}),
        Change("survey_item", "update", price, values={"parent_id": price}),
        Change("survey_item", "update", price, values={"parent_id": items["quality"]["id"]}),
        Change("survey_item", "archive", price),
    ):
        with pytest.raises(Refused) as refused:
            await shop.change(attempt)
        assert [code for code, _ in codes(refused)] == ["MISPLACED"], attempt
    for key in ("Upper", "1st", "a-b", "é"):
        with pytest.raises(Refused) as refused:
            await shop.change(Change("survey_item", "create", values={**level, "key": key}))
        assert codes(refused) == [("INVALID_KEY", ("input", "key"))]
    with pytest.raises(Refused) as refused:
        await shop.change(Change("survey_item", "create", values={**level, "key": "price_value"}))
    assert codes(refused) == [("ALREADY_EXISTS", ("input", "key"))]
    assert await everything(shop) == before
    await shop.create("survey_item", **level, parent_id=price)
    for key in ("price_value", "price_terms"):
        await archive(shop, "survey_item", items[key]["id"])
    assert [key for key, item in (await asked.items()).items() if item["parent_id"] == price] == ["new"]


@pytest.mark.requirement("V1")
async def test_a_version_has_at_most_200_questions(shop, drafts):
    asked = drafts["ON_VISIT"]
    have = len(await asked.items())
    rows = [
        {"version_id": asked.version_id, "position": n, "key": f"k{n}", "kind": "TEXT", "label": LABEL}
        for n in range(300, 300 + 201 - have)
    ]
    with pytest.raises(Refused) as refused:
        await shop.create_many("survey_item", rows)
    assert {code for code, _ in codes(refused)} == {"TOO_MANY"}
    await shop.create_many("survey_item", rows[1:])
    assert len(await asked.items()) == 200


@pytest.mark.requirement("V1", "V3")
async def test_only_what_has_been_published_can_be_active(shop, drafts):
    asked = drafts["ON_VISIT"]
    with pytest.raises(Refused) as refused:
        await asked.set(active=True)
    assert codes(refused) == [("NOT_PUBLISHED", ("input", "active"))]
    with pytest.raises(Refused):
        await shop.create("questionnaire", name=LABEL, active=True)
    assert await shop.fetch("SELECT id FROM questionnaire WHERE active") == []
    await asked.publish()
    await asked.set(active=True)
    await archive(shop, "questionnaire", asked.id)
    assert await shop.fetch("SELECT id FROM questionnaire WHERE active") == []


@pytest.mark.requirement("V1")
async def test_open_invitations_keep_the_version_they_were_made_with(shop):
    asked = await survey(shop, cooldown_days=0)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    second = await asked.draft()
    await asked.publish(second)
    await asked.send(customer_ids=[customer])
    await shop.work()
    assert [row["version_id"] for row in await asked.invitations()] == [asked.version_id, second]


@pytest.mark.requirement("V1")
async def test_an_edit_and_a_publication_at_once_leave_nothing_unchecked(shop, drafts):
    """Whichever comes first, no published version holds a question that was written after its check."""
    for asked in drafts.values():
        item = (await asked.items())["suggestions"]["id"]
        done = await asyncio.gather(
            asked.publish(),
            shop.update("survey_item", item, label={"en": "One language only"}),
            return_exceptions=True,
        )
        refusals = [{error.code for error in each.errors} for each in done if isinstance(each, Refused)]
        assert refusals in ([{"MISSING_LANGUAGE"}], [{"VERSION_PUBLISHED"}]), done


@pytest.mark.requirement("V1", "A11")
@pytest.mark.parametrize(
    "role", ["GENERAL_MANAGER", "DEPARTMENT_MANAGER", "REPRESENTATIVE", "SERVICE_AGENT", "VIEW_ONLY"]
)
async def test_who_may_not_edit_questionnaires_neither_drafts_nor_publishes(shop, drafts, role):
    viewer = await shop.as_member(await shop.hire("Nancy Davolio", role))
    shop.viewer, owner = viewer, shop.viewer
    before = await everything(shop)
    for verb in (drafts["ON_VISIT"].draft, drafts["ON_VISIT"].publish):
        with pytest.raises(Forbidden):
            await verb()
    assert await everything(shop) == before
    shop.viewer = owner
    await drafts["ON_VISIT"].publish()


@pytest.mark.requirement("V1", "A11")
async def test_a_marketer_drafts_and_publishes(shop, drafts):
    shop.viewer = await shop.as_member(await shop.hire("Nancy Davolio", "MARKETER"))
    await drafts["ON_VISIT"].publish()
    second = await drafts["ON_VISIT"].draft()
    await archive(shop, "survey_item", (await drafts["ON_VISIT"].items(second))["suggestions"]["id"])
    await drafts["ON_VISIT"].publish(second)


async def test_what_is_not_there_is_not_found(shop, drafts):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(NotFound):
            await publish_version(write, shop.viewer, version_id=new_id(), clock=shop.clock)
    await archive(shop, "questionnaire", drafts["ON_VISIT"].id)
    for verb in (drafts["ON_VISIT"].draft, drafts["ON_VISIT"].publish):
        with pytest.raises(NotFound):
            await verb()


@pytest.mark.requirement("V1", "A11")
@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("ADMIN", {"create", "update", "archive"}),
        ("MARKETER", {"create", "update"}),
        ("GENERAL_MANAGER", set()),
        ("DEPARTMENT_MANAGER", set()),
        ("REPRESENTATIVE", set()),
        ("SERVICE_AGENT", set()),
        ("ARCHIVE_KEEPER", set()),
        ("VIEW_ONLY", set()),
    ],
)
async def test_questionnaires_are_kept_by_whom_the_table_names(shop, drafts, role, may):
    seat = "VIEW_ONLY" if role == "VIEW_ONLY" else "FULL"
    viewer = await shop.as_member(await shop.hire("Nancy Davolio", role, seat=seat))
    before = await everything(shop)
    for attempt in (
        Change("questionnaire", "create", values={"name": LABEL}),
        Change("questionnaire", "update", drafts["ON_VISIT"].id, values={"cooldown_days": 7}),
        Change("questionnaire", "archive", drafts["ON_VISIT"].id),
    ):
        if attempt.action in may:
            await shop.change(attempt, viewer=viewer)
            continue
        with pytest.raises(Refused) as refused:
            await shop.change(attempt, viewer=viewer)
        assert [code for code, _ in codes(refused)] == ["FORBIDDEN"], attempt
    assert (await everything(shop) == before) is (not may)
