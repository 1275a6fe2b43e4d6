"""From a change in the company to a signed request at another system, and what becomes of it."""

import asyncio
import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.outgoing import AddressRefused, UrlRefused
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.people.notice_choices import choose
from kedang_tenants.webhooks.delivering import TRIES, WAITS
from kedang_tenants.webhooks.disabling import disable
from kedang_tenants.webhooks.models import EVENTS
from kedang_tenants.webhooks.operations import StillOnItsWay, WebhookInactive
from kedang_tenants.webhooks.signing import signed_headers
from tests.people.test_telling import say, telling

CREATED, UPDATED = "CUSTOMER_CREATED", "CUSTOMER_UPDATED"


def test_the_signature_is_that_of_the_specification():
    """The example of the reference implementations of Standard Webhooks."""
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.requirement("I1")
async def test_what_was_chosen_is_told_signed_and_once(shop, hooks, receiver):
    webhook = await hooks.make(CREATED, UPDATED)
    fuller = shop.viewer.member_id
    customer = await shop.create("customer", name="Alfreds Futterkiste", city="Berlin", owner_id=fuller)
    await shop.update("customer", customer, city="München")
    await shop.create("product", number="1", name="Chai")
    await shop.work()
    assert receiver.types == ["customer.created", "customer.updated"]
    created, updated = receiver.got
    secret = await hooks.secret(webhook)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    for got in receiver.got:
        assert got.verifies(secret)
        assert not got.verifies("whsec_" + base64.b64encode(b"x" * 32).decode())
        assert got.headers["content-type"] == "application/json"
        assert got.headers["webhook-timestamp"] == str(int(shop.clock.now().timestamp()))
    rows = await hooks.deliveries()
    assert [f"whd_{row['id'].hex}" for row in rows] == [created.id, updated.id]
    assert [(row["state"], row["attempts"], row["response_status"]) for row in rows] == [
        ("DELIVERED", 1, 204)
    ] * 2
    public = f"cus_{customer.hex}"
    assert created.json["data"]["id"] == updated.json["data"]["id"] == public
    assert created.json["data"]["record"] == "Customer"
    assert created.json["data"]["changed"]["name"] == "Alfreds Futterkiste"
    assert created.json["data"]["changed"]["ownerId"] == f"mem_{fuller.hex}"
    assert "nameSort" not in created.json["data"]["changed"]
    assert updated.json == {
        "type": "customer.updated",
        "timestamp": shop.clock.now().isoformat(),
        "data": {
            "id": public,
            "record": "Customer",
            "sequence": updated.json["data"]["sequence"],
            "changed": {"city": "München"},
            "previous": {"city": "Berlin"},
        },
    }
    assert created.json["data"]["sequence"] < updated.json["data"]["sequence"]


def verify(got, secret: str, now: datetime) -> None:
    """What the reference implementations of Standard Webhooks do with a message; raises for one they refuse."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message, sent, signatures = (got.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    at = datetime.fromtimestamp(float(sent), tz=UTC)
    assert abs(now - at) <= timedelta(minutes=5), "too old or too new"
    signed = f"{message}.{int(at.timestamp())}.{got.body.decode()}"
    expected = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    for versioned in signatures.split(" "):
        version, signature = versioned.split(",")
        if version == "v1" and hmac.compare_digest(base64.b64decode(signature), expected):
            return
    raise AssertionError("no matching signature")


@pytest.mark.requirement("I1")
async def test_every_try_verifies_with_the_reference_algorithm(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    secret = await hooks.secret(webhook)
    receiver.statuses = [500, 500]
    await shop.create("customer", name="Łódź 客户")
    await shop.work()
    for number in range(3):
        verify(receiver.got[number], secret, shop.clock.now())
        shop.clock.move(timedelta(hours=1))
        await shop.work()
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == len(receiver.got) == 3
    forged = replace(receiver.got[0], body=receiver.got[0].body.replace(b"customer", b"contact"))
    for wrong, now in ((forged, shop.clock.now() - timedelta(hours=3)), (receiver.got[0], shop.clock.now())):
        with pytest.raises(AssertionError):
            verify(wrong, secret, now)


@pytest.mark.requirement("I1")
async def test_an_event_that_no_record_is_changed_by_is_told_too(shop, hooks, receiver):
    await hooks.make("CUSTOMER_GRADED")
    customer = await shop.create("customer", name="QUICK-Stop")
    await shop.publish_default_scheme()
    await shop.work()
    graded = [got.json["data"] for got in receiver.got]
    assert [one["id"] for one in graded] == [f"cus_{customer.hex}"]
    assert graded[0]["changed"]["gradeLevelId"].startswith("gle_")


def test_every_event_is_of_a_record_that_there_is():
    from kedang_tenants.catalogue import catalogue

    assert {event.partition(".")[0] for event in EVENTS} <= {record.name for record in catalogue()}


@pytest.mark.requirement("I1")
async def test_tries_are_spread_over_days_and_then_end(shop, hooks, receiver):
    receiver.status = 503
    webhook = await hooks.make(CREATED)
    customer = await shop.create("customer", name="Bon app'")
    await shop.work()
    began = shop.clock.now()
    for number, wait in enumerate(WAITS, start=1):
        (row,) = await hooks.deliveries()
        assert (row["state"], row["attempts"], row["response_status"]) == ("WAITING", number, 503)
        waited = row["next_try_at"] - shop.clock.now()
        assert wait <= waited <= wait * 1.25
        shop.clock.move(waited - timedelta(seconds=1))
        await shop.work()
        assert len(receiver.got) == number
        shop.clock.move(timedelta(seconds=1))
        await shop.work()
        assert len(receiver.got) == number + 1
    (row,) = await hooks.deliveries()
    assert (row["state"], row["attempts"], row["next_try_at"]) == ("FAILED", TRIES, None)
    assert timedelta(days=2) < shop.clock.now() - began < timedelta(days=3)
    assert {(got.id, got.body) for got in receiver.got} == {(f"whd_{row['id'].hex}", receiver.got[0].body)}
    secret = await hooks.secret(webhook)
    assert all(got.verifies(secret) for got in receiver.got)
    assert (await hooks.row(webhook))["active"]
    shop.clock.move(timedelta(days=9))
    await shop.work()
    assert len(receiver.got) == TRIES
    await hooks.replay(row["id"])
    receiver.status = 200
    await shop.work()
    (again,) = await hooks.deliveries()
    assert (again["state"], again["attempts"], again["response_status"]) == ("DELIVERED", 1, 200)
    assert receiver.got[-1].id == receiver.got[0].id
    assert receiver.got[-1].json["data"]["id"] == f"cus_{customer.hex}"
    assert (await hooks.row(webhook))["failures"] == 0


@pytest.mark.requirement("I1")
async def test_what_happens_to_one_record_is_told_in_its_order_and_holds_up_no_other(shop, hooks, receiver):
    await hooks.make(CREATED, UPDATED)
    receiver.statuses = [500]
    first = await shop.create("customer", name="One")
    await shop.work()
    for city in ("Berlin", "Paris"):
        await shop.update("customer", first, city=city)
        await shop.work()
    await shop.create("customer", name="Two")
    await shop.work()
    told = [(got.json["type"], got.json["data"]["changed"].get("name")) for got in receiver.got]
    assert told == [("customer.created", "One"), ("customer.created", "Two")]
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert [got.json["data"]["changed"].get("city") for got in receiver.got[3:]] == ["Berlin", "Paris"]
    assert receiver.got[2].id == receiver.got[0].id
    assert await hooks.states() == ["DELIVERED"] * 4


@pytest.mark.requirement("I1")
async def test_neither_a_replay_nor_a_test_lets_anything_overtake(shop, hooks, receiver):
    webhook = await hooks.make(CREATED, UPDATED)
    customer = await shop.create("customer", name="One")
    await shop.work()
    receiver.statuses = [500]
    for city in ("Berlin", "Paris"):
        await shop.update("customer", customer, city=city)
    await shop.work()
    (created, *_) = await hooks.deliveries()
    await hooks.replay(created["id"])
    await hooks.test(webhook, about=("customer", customer))
    await shop.work()
    assert [got.json["data"].get("changed", {}).get("city") for got in receiver.got] == [
        None,
        "Berlin",
        None,
        None,
    ]
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert [got.json["data"]["changed"].get("city") for got in receiver.got[4:]] == ["Berlin", "Paris"]


async def test_a_test_that_fails_holds_nothing_up(shop, hooks, receiver):
    webhook = await hooks.make(UPDATED)
    customer = await shop.create("customer", name="One")
    receiver.statuses = [500]
    await hooks.test(webhook, about=("customer", customer))
    await shop.work()
    await shop.update("customer", customer, city="Berlin")
    await shop.work()
    assert await hooks.states() == ["WAITING", "DELIVERED"]


@pytest.mark.requirement("I1")
async def test_what_else_the_company_has_to_do_goes_before_its_deliveries(shop, hooks, receiver):
    """A receiver that takes its time over thousands of deliveries holds up nothing else."""
    await hooks.make(CREATED)
    await shop.create_many("customer", [{"name": f"Customer {n}"} for n in range(3)])
    receiver.status = 500
    await shop.work()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("webhooks.tidy", due_at=shop.clock.now() + timedelta(days=1)))
    async with shop.databases.control_read() as read:
        waiting = await read.fetch(
            "SELECT kind FROM work.job WHERE state = 'waiting' ORDER BY priority, due_at"
        )
    assert [row["kind"] for row in waiting] == ["webhooks.tidy", *["webhooks.deliver"] * 3]


async def test_several_changes_of_one_transaction_are_told_in_their_order(shop, hooks, receiver):
    await hooks.make(CREATED, UPDATED)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        from kedang_tenants.changing import change

        made = await change(
            write, shop.viewer, [Change("customer", "create", values={"name": "One"})], clock=shop.clock
        )
        for city in ("Berlin", "Paris", "Rome"):
            update = Change("customer", "update", made[0].id, values={"city": city})
            await change(write, shop.viewer, [update], clock=shop.clock)
    await shop.work()
    assert [got.json["data"]["changed"].get("city") for got in receiver.got] == [
        None,
        "Berlin",
        "Paris",
        "Rome",
    ]


@pytest.mark.requirement("I1", "T10")
async def test_whoever_says_gone_is_told_nothing_more(shop, hooks, receiver):
    webhook = await hooks.make(CREATED, UPDATED)
    receiver.status = 410
    customer = await shop.create("customer", name="One")
    await shop.update("customer", customer, city="Berlin")
    await shop.work()
    assert len(receiver.got) == 1
    row = await hooks.row(webhook)
    assert (row["active"], row["disabled_reason"], row["disabled_at"]) == (False, "GONE", shop.clock.now())
    assert await hooks.states() == ["FAILED", "CANCELLED"]
    (notice,) = await shop.fetch("SELECT * FROM notice WHERE kind = 'WEBHOOK_DISABLED'")
    assert (notice["member_id"], notice["about"]) == (shop.viewer.member_id, f"whk_{webhook.hex}")
    (mail,) = shop.mails_to("andrew.fuller@northwind.example")
    assert mail.subject == "The webhook “ERP” was switched off"
    assert (
        "The receiver said that it is gone (410). 127.0.0.1 is told nothing more, and what was on its way has been"
        " called off. Once this is mended, switch the webhook on again; what was called off can be sent again from"
        " its log."
    ) in " ".join(mail.text.split())
    assert "/hook" not in mail.text  # which may be a secret
    await shop.create("customer", name="Two")
    await shop.work()
    assert len(receiver.got) == 1
    receiver.status = 200
    await hooks.update(webhook, active=True)
    await shop.create("customer", name="Three")
    await shop.work()
    assert [got.json["data"]["changed"]["name"] for got in receiver.got] == ["One", "Three"]
    row = await hooks.row(webhook)
    assert (row["active"], row["disabled_reason"], row["failures"]) == (True, None, 0)


@pytest.mark.requirement("I1", "T10")
async def test_a_receiver_that_fails_for_days_is_switched_off(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    receiver.status = 500
    await shop.create_many("customer", [{"name": f"Customer {n}"} for n in range(4)])
    for _ in range(TRIES):
        await shop.work()
        shop.clock.move(timedelta(days=2))
    row = await hooks.row(webhook)
    assert (row["active"], row["disabled_reason"], row["failures"]) == (False, "FAILING", 3)
    assert sorted(await hooks.states()) == ["CANCELLED", "FAILED", "FAILED", "FAILED"]
    assert await shop.value("SELECT count(*) FROM notice WHERE kind = 'WEBHOOK_DISABLED'") == 1


@pytest.mark.requirement("I1")
async def test_what_was_called_off_and_sent_again_is_not_tried_for_its_former_job_too(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    receiver.statuses = [500, 410, 500]
    await shop.create("customer", name="One")
    await shop.work()
    await shop.create("customer", name="Two")
    await shop.work()
    assert await hooks.states() == ["CANCELLED", "FAILED"]
    await hooks.update(webhook, active=True)
    first, _ = await hooks.deliveries()
    await hooks.replay(first["id"])
    await shop.work()
    assert len(receiver.got) == 3
    receiver.statuses = [500]
    shop.clock.move(timedelta(minutes=1))  # the job of before is due by now as well
    await shop.work()
    assert len(receiver.got) == 4
    (row, _) = await hooks.deliveries()
    assert (row["state"], row["attempts"]) == ("WAITING", 2)


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    ("status", "asked", "least", "most"),
    [
        (503, "3600", 3600, 4500),
        (429, None, 600, 750),
        (429, "1", 10, 12.5),
        (503, "99999999", 86_400, 108_000),
        (503, "soon", 10, 12.5),
        (500, "3600", 10, 12.5),
    ],
)
async def test_who_asks_to_be_told_later_is(shop, hooks, receiver, status, asked, least, most):
    await hooks.make(CREATED)
    now = shop.clock.now()
    if asked is None:
        asked = format_datetime(now + timedelta(minutes=10), usegmt=True)
    receiver.answers = [f"HTTP/1.1 {status} Later\r\nretry-after: {asked}\r\n\r\n".encode()]
    await shop.create("customer", name="One")
    await shop.work()
    (row,) = await hooks.deliveries()
    assert (row["state"], row["response_status"]) == ("WAITING", status)
    assert least <= (row["next_try_at"] - now).total_seconds() <= most
    shop.clock.move(timedelta(seconds=most))
    await shop.work()
    assert await hooks.states() == ["DELIVERED"]


async def test_a_receiver_that_is_not_there_is_tried_again(shop, hooks):
    await hooks.make(CREATED, url="http://127.0.0.1:9/hook")
    await shop.create("customer", name="One")
    await shop.work()
    (row,) = await hooks.deliveries()
    assert (row["state"], row["response_status"], row["error_code"]) == ("WAITING", None, "NOT_REACHABLE")


@pytest.mark.requirement("I1")
async def test_what_the_operator_does_not_allow_any_more_is_not_called(shop, hooks, receiver):
    """The address is checked at every call, not only when it was written down."""
    await hooks.make(CREATED)
    shop.settings = shop.settings.model_copy(update={"outgoing_allowed": None})
    await shop.create("customer", name="One")
    await shop.work()
    (row,) = await hooks.deliveries()
    assert (row["state"], row["error_code"]) == ("WAITING", "URL_REFUSED")
    assert receiver.got == []


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://127.0.0.1/hook", AddressRefused),
        ("https://169.254.169.254/latest/meta-data", AddressRefused),
        ("https://[::ffff:10.0.0.1]/", AddressRefused),
        ("http://shop.example/hook", UrlRefused),
        ("ftp://shop.example/hook", UrlRefused),
        ("https://user:word@shop.example/", UrlRefused),
    ],
)
async def test_an_address_that_may_not_be_called_is_not_written_down(shop, hooks, url, error):
    shop.settings = shop.settings.model_copy(update={"outgoing_allowed": None})
    with pytest.raises(error) as caught:
        await hooks.make(CREATED, url=url)
    assert caught.value.path == ("url",)
    assert await shop.value("SELECT count(*) FROM webhook") == 0
    webhook = await hooks.make(CREATED, url="https://shop.example/hook")
    with pytest.raises(error):
        await hooks.update(webhook, url=url)
    assert (await hooks.row(webhook))["url"] == "https://shop.example/hook"


async def test_there_are_fifty_at_the_most_however_they_come_to_be(shop, hooks):
    first = await hooks.make(CREATED)
    await shop.archive("webhook", first)
    for _ in range(50):
        await hooks.make(CREATED)
    for one_more in (hooks.make(CREATED), shop.change(Change("webhook", "restore", first))):
        with pytest.raises(Refused) as caught:
            await one_more
        assert [error.code for error in caught.value.errors] == ["TOO_MANY_WEBHOOKS"]
    assert await shop.value("SELECT count(*) FROM webhook WHERE archived_at IS NULL") == 50


async def test_a_webhook_without_events_is_refused(shop, hooks):
    with pytest.raises(Refused) as caught:
        await hooks.make()
    assert [(error.code, error.path) for error in caught.value.errors] == [("REQUIRED", ("input", "events"))]
    assert await shop.value("SELECT count(*) FROM webhook") == 0


@pytest.mark.requirement("I1", "A11")
@pytest.mark.parametrize("role", ["GENERAL_MANAGER", "DEPARTMENT_MANAGER", "REPRESENTATIVE", "FINANCE"])
async def test_only_owners_and_admins_have_webhooks(shop, hooks, receiver, role):
    webhook = await hooks.make(CREATED)
    await shop.create("customer", name="One")
    await shop.work()
    (delivery,) = await hooks.deliveries()
    other = await shop.as_member(await shop.hire("Nancy Davolio", role))
    before = [await hooks.row(webhook), await hooks.deliveries()]
    for refused in (
        hooks.make(CREATED, viewer=other),
        hooks.rotate(webhook, viewer=other),
        hooks.test(webhook, viewer=other),
        hooks.replay(delivery["id"], viewer=other),
    ):
        with pytest.raises(Forbidden):
            await refused
    assert [await hooks.row(webhook), await hooks.deliveries()] == before
    assert len(receiver.got) == 1


@pytest.mark.requirement("A11", "I1")
async def test_the_receiver_is_told_what_the_owner_may_see_when_it_is_told(shop, hooks, receiver):
    """An admin who now sees no telephone numbers, and later her own customers only."""
    nancy = await shop.hire("Nancy Davolio", "ADMIN")
    await hooks.make(CREATED, "CONTACT_CREATED", viewer=await shop.as_member(nancy))
    await shop.change(Change("member", "update", nancy, values={"roles": ["FINANCE"]}), internally=True)
    product = await shop.product()
    customer = await shop.create("customer", viewer=product, name="One")
    person = {"name": "Maria Anders", "phone": "030-0074321", "email": "maria@x.example"}
    await shop.create("contact", viewer=product, customer_id=customer, **person)
    await shop.work()
    (told,) = [got.json["data"]["changed"] for got in receiver.got if got.json["type"] == "contact.created"]
    assert (told["name"], told["customerId"]) == ("Maria Anders", f"cus_{customer.hex}")
    assert not {"phone", "phoneE164", "email"} & told.keys()
    assert b"0074321" not in b"".join(got.body for got in receiver.got)
    receiver.got.clear()
    await shop.change(
        Change("member", "update", nancy, values={"roles": ["REPRESENTATIVE"]}), internally=True
    )
    await shop.create("customer", viewer=product, name="Two", owner_id=shop.viewer.member_id)
    await shop.create("customer", viewer=product, name="Three", owner_id=nancy)
    await shop.work()
    assert [one.json["data"]["changed"]["name"] for one in receiver.got] == ["Three"]
    assert await hooks.states() == ["DELIVERED", "DELIVERED", "SKIPPED", "DELIVERED"]


async def test_without_an_active_owner_it_is_switched_off(shop, hooks, receiver):
    nancy = await shop.hire("Nancy Davolio", "ADMIN")
    webhook = await hooks.make(CREATED, viewer=await shop.as_member(nancy))
    await shop.change(Change("member", "update", nancy, values={"state": "SUSPENDED"}), internally=True)
    await shop.create("customer", name="One")
    await shop.work()
    assert receiver.got == []
    row = await hooks.row(webhook)
    assert (row["active"], row["disabled_reason"]) == (False, "OWNER_LEFT")
    assert await hooks.states() == ["CANCELLED"]
    await hooks.update(webhook, active=True)
    row = await hooks.row(webhook)
    assert (row["active"], row["owner_id"]) == (True, shop.viewer.member_id)
    await shop.create("customer", name="Two")
    await shop.work()
    assert [got.json["data"]["changed"]["name"] for got in receiver.got] == ["Two"]


async def test_switching_on_leaves_it_to_an_owner_who_is_there(shop, hooks):
    nancy = await shop.hire("Nancy Davolio", "ADMIN")
    webhook = await hooks.make(CREATED, viewer=await shop.as_member(nancy))
    await hooks.update(webhook, active=False)
    await hooks.update(webhook, active=True)
    assert (await hooks.row(webhook))["owner_id"] == nancy


@pytest.mark.requirement("I1")
async def test_for_a_day_the_old_secret_signs_as_well(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    old = await hooks.secret(webhook)
    await hooks.rotate(webhook)
    new = await hooks.secret(webhook)
    assert new != old
    await hooks.test(webhook)
    await shop.work()
    assert receiver.got[-1].verifies(new)
    assert receiver.got[-1].verifies(old)
    shop.clock.move(timedelta(days=1))
    await hooks.test(webhook)
    await shop.work()
    assert receiver.got[-1].verifies(new)
    assert not receiver.got[-1].verifies(old)


async def test_a_test_is_sent_at_once_and_a_webhook_that_is_off_is_not_tried(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    delivery = await hooks.test(webhook)
    with pytest.raises(StillOnItsWay):
        await hooks.replay(delivery)
    await shop.work()
    assert receiver.types == ["webhook.test"]
    assert receiver.got[0].json["data"] == {"id": f"whk_{webhook.hex}", "record": "Webhook"}
    await hooks.update(webhook, active=False)
    with pytest.raises(WebhookInactive):
        await hooks.test(webhook)
    with pytest.raises(WebhookInactive):
        await hooks.replay(delivery)
    await shop.archive("webhook", webhook)
    with pytest.raises(NotFound):
        await hooks.test(webhook)
    await shop.work()
    assert len(receiver.got) == 1


async def test_what_is_called_off_while_it_is_taken_is_delivered(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    receiver.slow = 1
    await shop.create("customer", name="One")
    working = asyncio.create_task(shop.work())
    while not receiver.got:  # noqa: ASYNC110 - the receiver has no event for it
        await asyncio.sleep(0.01)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        row = await write.fetchrow("SELECT * FROM webhook WHERE id = $1 FOR NO KEY UPDATE", webhook)
        await disable(write, await shop.product(), row, "FAILING", clock=shop.clock)
    assert await hooks.states() == ["CANCELLED"]
    await working
    (delivery,) = await hooks.deliveries()
    assert (delivery["state"], delivery["response_status"], delivery["job_id"]) == ("DELIVERED", 204, None)
    await shop.work()
    assert len(receiver.got) == 1


async def test_events_told_twice_make_one_delivery(shop, hooks, receiver):
    await hooks.make(CREATED)
    await shop.create("customer", name="One")
    await shop.work()
    transaction = await shop.value("SELECT transaction FROM audit WHERE action = 'customer.created'")
    from kedang_tenants.changing import fan_out

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await fan_out(write, await shop.product(), transaction, clock=shop.clock)
    await shop.work()
    assert len(receiver.got) == 1
    assert await hooks.states() == ["DELIVERED"]


async def test_the_log_is_kept_for_thirty_days(shop, hooks, receiver):
    webhook = await hooks.make(CREATED)
    await hooks.test(webhook)
    await shop.work()
    shop.clock.move(timedelta(days=20))
    receiver.status = 500
    waiting = await hooks.test(webhook)
    await shop.work()
    for days, left in ((10, 2), (1, 1)):
        shop.clock.move(timedelta(days=days))
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await enqueue(write, NewJob("webhooks.tidy"))
        await shop.work()
        assert len(await hooks.deliveries()) == left
    assert [row["id"] for row in await hooks.deliveries()] == [waiting]


@pytest.mark.requirement("T10")
async def test_notices_are_told_to_their_member_s_own_webhooks_by_kind(shop, hooks, receiver):
    nancy = await shop.hire("Nancy Davolio", "OWNER")
    own = await hooks.make("NOTICE_CREATED", viewer=await shop.as_member(nancy))
    await hooks.make("NOTICE_CREATED")  # Andrew Fuller's
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await shop.as_member(nancy)
        await choose(write, viewer, kind="REQUEST_OVERDUE", webhook=False, clock=shop.clock)
    assert await say(shop, telling(nancy), telling(nancy, "late", "REQUEST_OVERDUE")) == 2
    await shop.work()
    (told,) = receiver.got
    notice = await shop.value("SELECT id FROM notice WHERE kind = 'REQUEST_ASSIGNED'")
    assert told.verifies(await hooks.secret(own))
    assert (told.json["type"], told.json["data"]["id"]) == ("notice.created", f"not_{notice.hex}")
    assert told.json["data"]["changed"]["title"]["en"] == "Request SR-2026-1 is yours"
    # Andrew Fuller's receiver does not even learn that there was one.
    assert [row["webhook_id"] for row in await hooks.deliveries()] == [own]
