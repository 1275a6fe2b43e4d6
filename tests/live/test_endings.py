"""When a subscription ends: with its credential, its member, its points, its reader's patience, its Valkey."""

import asyncio
import signal
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
import uvicorn
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed

from kedang_graphql.__main__ import DrainingServer
from kedang_graphql.app import create_app
from kedang_graphql.authentication import cookie_name
from kedang_graphql.live_watching import Wanted
from kedang_platform.identity import sign_out
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.sessions import start_session
from kedang_platform.identity.switching import switch_company
from kedang_platform.identity.tables import api_key, membership
from kedang_platform.ids import new_id
from kedang_platform.live import Feed, LiveEvent, LiveUnavailable, Publisher
from kedang_platform.registry.tables import company as company_table
from kedang_tenants.changing import Change
from tests.bench.conftest import free_port
from tests.ground.test_buckets import Line
from tests.live.conftest import serve_live
from tests.support.database import make_company
from tests.support.gateway import UNLIMITED
from tests.support.members import make_member

NAMES = "subscription { customerChanges { customer { name } } }"


async def opened(town, base, url, **own):
    """A further gateway beside that of the tests."""
    own = {"redis_url": url, "cost_points": UNLIMITED, "cost_points_per_second": UNLIMITED} | own
    own["var"] = town.gateway.services.settings.var
    return await town.stack.enter_async_context(serve_live(town.databases, base, **own))


@pytest.mark.requirement("I1")
async def test_a_revoked_key_ends_its_connections_at_once(town, side):
    _, other = await side.hire("OWNER")
    revoked, kept = await town.client(side.key), await town.client(other)
    for client in (revoked, kept):
        await client.watch(NAMES)
    mine = await town.value("SELECT id FROM platform.api_key WHERE member_id = $1", side.owner.id)
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }"
    told = await kept.ask(revoke, variables={"id": f"key_{mine.hex}"})
    assert told["data"] == {"revokeApiKey": {"userErrors": []}}
    assert await revoked.closed() == (4403, "Forbidden")
    await side.create("customer", name="After")
    await town.work()
    assert (await kept.change())["customer"] == {"name": "After"}


async def test_signing_out_ends_the_connections_of_the_session(town, side):
    async with town.databases.control() as control:
        token = await start_session(
            control,
            person_id=side.owner.person_id,
            company_id=side.company.id,
            user_agent="Tests/1.0",
            now=datetime.now(UTC),
        )
    cookie = f"{cookie_name(town.gateway.services.settings)}={token}"
    client = await town.dial(origin=town.gateway.url, additional_headers={"Cookie": cookie})
    await client.init()
    await client.watch(NAMES)
    session = await town.value("SELECT id FROM platform.session WHERE person_id = $1", side.owner.person_id)
    identity = town.gateway.services.identity
    assert await sign_out(identity, person_id=side.owner.person_id, session_id=session)
    assert await client.closed() == (4403, "Forbidden")


async def at_a_browser(town, side):
    """A connection with the cookie of a session of the owner, and who that is."""
    async with town.databases.control() as control:
        token = await start_session(
            control,
            person_id=side.owner.person_id,
            company_id=side.company.id,
            user_agent="Tests/1.0",
            now=datetime.now(UTC),
        )
    cookie = f"{cookie_name(town.gateway.services.settings)}={token}"
    client = await town.dial(origin=town.gateway.url, additional_headers={"Cookie": cookie})
    await client.init()
    credentials = town.gateway.services.identity.credentials
    return client, await credentials.identify(bearer=None, cookie=token)


@pytest.mark.requirement("T1", "T5")
async def test_a_switch_of_company_ends_what_was_watched_in_the_old_one(town, side):
    client, identified = await at_a_browser(town, side)
    await client.watch(NAMES)
    beside = await make_company(town.databases, name="Alfreds")
    other = await make_member(town.databases, beside, "OWNER")
    async with town.databases.control() as control:
        await control.execute(
            membership.update()
            .where(membership.c.member_id == other.id)
            .values(person_id=side.owner.person_id)
        )
    await switch_company(town.gateway.services.identity, identified, company_id=beside.id)
    assert await client.closed() == (4403, "Forbidden")


@pytest.mark.requirement("T5")
async def test_who_must_set_up_a_second_factor_is_told_nothing_more(town, side):
    client, _ = await at_a_browser(town, side)
    await client.watch(NAMES)
    async with town.databases.control() as control:
        await control.execute(company_table.update().values(requires_two_factor=True))
        await announce_ended(control, side.company.id)
    assert await client.closed() == (4403, "Forbidden")


async def test_what_is_answered_with_a_cookie_is_not_for_a_connection(town, side):
    client, _ = await at_a_browser(town, side)
    before = await town.value("SELECT string_agg(s::text, '') FROM platform.session s")
    for number, verb in enumerate(
        (
            'reauthenticate(input: {password: "x"}) { done }',
            'switchCompany(input: {companyId: "com_x"}) { company { id } }',
            "disableTwoFactor { done }",
        )
    ):
        await client.send("subscribe", f"v{number}", {"query": f"mutation {{ {verb} }}"})
        (refusal,) = await client.next(f"v{number}")
        assert refusal["extensions"]["code"] == "NOT_ALLOWED_HERE", verb
    assert await town.value("SELECT string_agg(s::text, '') FROM platform.session s") == before


async def test_a_credential_that_expires_ends_with_its_time(town, side, monkeypatch):
    monkeypatch.setattr("kedang_graphql.live._CHECK_SECONDS", 0.05)
    client = await town.client(side.key)
    await client.watch(NAMES)
    async with town.databases.control() as control:
        await control.execute(api_key.update().values(expires_at=datetime.now(UTC) + timedelta(seconds=0.2)))
    town.gateway.services.identity.credentials.forget()  # the waiting round ends, those after it are short
    assert await client.closed() == (4403, "Forbidden")


@pytest.mark.requirement("I1")
async def test_rights_are_those_of_the_moment(town, side):
    """Promoted, moved, masked, deactivated: what is told follows, without a word to this process."""
    nancy, key = await side.hire("REPRESENTATIVE")
    client = await town.client(key)
    await client.watch("subscription { contactChanges { changed contact { name phone } } }")
    await client.watch("subscription { customerChanges { customer { name } } }", "customers")
    customer = await side.create("customer", name="Theirs")
    contact = await side.create("contact", customer_id=customer, name="Maria Anders", phone="030-0074321")
    await town.work()
    await client.nothing()
    await side.update("member", nancy.id, roles=["FINANCE"])
    await side.update("contact", contact, name="Maria", phone="030-0074322")
    await town.work()
    masked = await client.next()
    assert masked["extensions"] == {"masked": ["contactChanges.contact.phone"]}
    assert masked["data"]["contactChanges"]["contact"] == {"name": "Maria", "phone": None}
    assert masked["data"]["contactChanges"]["changed"] == ["name"]
    await side.update("member", nancy.id, roles=["OWNER"])
    await side.update("contact", contact, phone="030-0074323")
    await town.work()
    told = await client.next()
    assert "extensions" not in told
    assert told["data"]["contactChanges"]["contact"] == {"name": "Maria", "phone": "030-0074323"}
    assert "phone" in told["data"]["contactChanges"]["changed"]
    await side.update("member", nancy.id, state="SUSPENDED")
    await side.update("customer", customer, name="Unheard")
    await town.work()
    assert await client.closed() == (4403, "Forbidden")


async def test_fields_masked_in_some_rows_are_told_of_the_others(town, side):
    """A representative of a department sees the names of its records, and everything of their own."""
    department = await side.create("department", name="Sales")
    nancy, key = await side.hire("REPRESENTATIVE", department_id=department)
    colleague, _ = await side.hire("REPRESENTATIVE", name="Janet Leverling", department_id=department)
    await town.work()
    client = await town.client(key)
    await client.watch("subscription { customerChanges { changed customer { name website } } }")
    for owner in (colleague, nancy):
        await side.create("customer", name="A", website="https://a.example", owner_id=owner.id)
    await town.work()
    theirs, mine = [(await client.next())["data"]["customerChanges"] for _ in range(2)]
    assert (theirs["customer"]["website"], "website" in theirs["changed"]) == (None, False)
    assert (mine["customer"]["website"], "website" in mine["changed"]) == ("https://a.example", True)
    assert "name" in theirs["changed"]


async def test_what_may_not_be_filtered_by_is_refused(town, side):
    _, key = await side.hire("FINANCE")
    client = await town.client(key)
    await client.send(
        "subscribe", "1", {"query": 'subscription { contactChanges(where: {phone: {eq: "1"}}) { id } }'}
    )
    (error,) = await client.next()
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.requirement("I1")
async def test_each_telling_costs_and_who_has_spent_everything_is_told_so(
    town, side, database_settings, work_redis_url
):
    gateway = await opened(
        town, database_settings, work_redis_url, cost_points=20, cost_points_per_second=0.001
    )
    client = await town.client(side.key, gateway)
    await client.watch(NAMES)
    held = gateway.services.buckets.give_back(await payer(town, side), 0)
    await side.create("customer", name="One")
    await town.work()
    await client.change()
    assert gateway.services.buckets.give_back(await payer(town, side), 0) == pytest.approx(held - 1, abs=0.1)
    for _ in range(20):
        await side.create("customer", name="Many")
    await town.work()
    told = [await client.next() for _ in range(int(held))]
    (error,) = told[-1]
    assert [one["data"]["customerChanges"]["customer"] for one in told[:-1]] == [{"name": "Many"}] * (
        len(told) - 1
    )
    assert error["extensions"]["code"] == "THROTTLED"
    assert error["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 20
    await client.nothing()


async def payer(town, side) -> str:
    found = await town.value("SELECT id FROM platform.api_key WHERE member_id = $1", side.owner.id)
    return found.hex


async def test_connections_and_operations_are_counted(town, side, database_settings, work_redis_url):
    _, other = await side.hire("OWNER")
    gateway = await opened(town, database_settings, work_redis_url, live_connections=2, live_operations=2)
    first, _ = [await town.client(side.key, gateway) for _ in range(2)]
    third = await town.dial(gateway)
    await third.send("connection_init", payload={"Authorization": f"Bearer {side.key}"})
    assert await third.closed() == (1013, "Too many connections")
    await town.client(other, gateway)  # another credential has its own
    await first.send("subscribe", "1", {"query": NAMES})
    await first.send("subscribe", "2", {"query": NAMES})
    await first.send("subscribe", "3", {"query": NAMES})
    (error,) = await first.next("3")
    assert error["extensions"]["code"] == "TOO_MANY_OPERATIONS"
    await first.send("complete", "1")
    await first.send("subscribe", "3", {"query": NAMES})
    await first.send("ping")
    assert (await first.receive())["type"] == "pong"
    await first.connection.close()
    for _ in range(100):  # its place is free as soon as the gateway has noticed
        client = await town.dial(gateway)
        await client.send("connection_init", payload={"Authorization": f"Bearer {side.key}"})
        try:
            assert await client.receive() == {"type": "connection_ack"}
            return
        except ConnectionClosed:
            await asyncio.sleep(0.05)
    raise TimeoutError


async def test_a_client_that_does_not_read_is_closed_and_holds_up_nobody(
    town, side, database_settings, work_redis_url
):
    gateway = await opened(town, database_settings, work_redis_url, live_backlog=100_000)
    ids = await side.change(*(change("customer", name=f"{n} " + "x" * 150) for n in range(250)))
    await town.work()
    slow, quick = await town.client(side.key, gateway), await town.client(side.key, gateway)
    query = (
        "subscription { customerChanges { "
        + " ".join(f"a{n}: customer {{ name }}" for n in range(25))
        + " } }"
    )
    for client in (slow, quick):
        await client.watch(query)
    slow.connection.transport.pause_reading()
    heard = asyncio.create_task(hear(quick, 5 * len(ids)))
    for n in range(5):
        await side.change(*(update("customer", one, city=f"City {n}") for one in ids))
        await town.work()
    assert await heard == 5 * len(ids)
    slow.connection.transport.resume_reading()
    assert await slow.closed() == (1013, "Too slow")


async def hear(client, count: int) -> int:
    for _ in range(count):
        await client.change()
    return count


def change(record, **values):
    return Change(record, "create", values=values)


def update(record, record_id, **values):
    return Change(record, "update", record_id, values=values)


@pytest.mark.requirement("I1")
async def test_without_valkey_nobody_is_left_waiting(town, side, database_settings, work_redis_url):
    line = Line(work_redis_url)
    await line.mend()
    gateway = await opened(town, database_settings, line.url)
    watching, asking = await town.client(side.key, gateway), await town.client(side.key, gateway)
    await watching.watch(NAMES)
    await line.cut()
    assert await watching.closed() == (1013, "Live updates were interrupted")
    assert (await asking.ask("{ customers { totalCount } }"))["data"] == {"customers": {"totalCount": 0}}
    await asking.send("subscribe", "1", {"query": NAMES})
    assert await asking.closed() == (1013, "Live updates are not available")
    await line.mend()
    again = await town.client(side.key, gateway)
    await again.watch(NAMES)
    await side.create("customer", name="Back")
    await town.work()
    assert (await again.change())["customer"] == {"name": "Back"}
    await again.connection.close()
    await line.cut()


async def test_a_valkey_that_is_silent_is_noticed(work_redis_url):
    heard, lost = [], asyncio.Event()
    feed = Feed(work_redis_url, told=lambda _, events: heard.extend(events), lost=lost.set, quiet=0.1)
    company = new_id()
    await feed.listen(company)
    await asyncio.sleep(0.5)  # nothing is told, and its pings are answered
    assert not lost.is_set()
    publisher = Publisher(work_redis_url)
    event = LiveEvent("customer", new_id(), "created", 1, datetime.now(UTC), ("name",))
    await publisher.publish(company, [event])
    await publisher.publish(new_id(), [event])
    await publisher.publish(company, [event])
    async with asyncio.timeout(5):
        while len(heard) < 2:  # noqa: ASYNC110 - the feed calls, and has no event for it
            await asyncio.sleep(0.01)
    assert heard == [event, event]
    feed._pubsub.get_message = silence
    await asyncio.wait_for(lost.wait(), 5)
    await feed.close()
    await publisher.close()


async def silence(**waited: float) -> None:
    await asyncio.sleep(waited["timeout"])


async def test_workers_without_valkey_tell_later(town, side):
    client = await town.client(side.key)
    await client.watch(NAMES)
    line = Line(town.gateway.services.settings.redis_url)
    await line.mend()
    await line.cut()
    publisher, reachable = Publisher(line.url), town.services.live
    town.services = replaced(town.services, publisher)
    with pytest.raises(LiveUnavailable):
        await publisher.publish(
            UUID(int=1), [LiveEvent("tag", UUID(int=2), "created", 1, datetime.now(UTC), ())]
        )
    await side.create("customer", name="Later")
    await town.work_with_failures()
    await client.nothing()
    town.services = replaced(town.services, reachable)
    await town.due_now()
    await town.work()
    assert (await client.change())["customer"] == {"name": "Later"}
    await publisher.close()


def replaced(services, publisher):
    return replace(services, live=publisher)


@pytest.mark.requirement("I1")
async def test_a_gateway_that_stops_says_so(town, side):
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    app = create_app(town.gateway.services.settings, town.gateway.services)
    config = uvicorn.Config(app, log_level="warning", lifespan="on")
    server = DrainingServer(config, app, drain_seconds=0)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    client = await town.dial_at(listening.getsockname()[1])
    await client.init(side.key)
    await client.watch(NAMES)
    server.should_exit = True
    assert await client.closed() == (1001, "Going away")
    await asyncio.wait_for(serving, 20)


@pytest.mark.requirement("I1")
async def test_a_killed_gateway_disturbs_nobody_else_and_real_workers_tell_all(town, side, work_processes):
    """Two gateways, 63 subscribers, a relay and a worker as processes of their own; one gateway is killed."""
    for module in ("kedang_workers.relay", "kedang_workers.start"):
        work_processes.start(module)
    port = await started(work_processes)
    doomed = [await town.dial_at(port) for _ in range(3)]
    await asyncio.gather(*(client.init(side.key) for client in doomed))
    many = await asyncio.gather(*(town.client(side.key) for _ in range(60)))
    await asyncio.gather(*(client.watch(NAMES) for client in (*doomed, *many)))
    await side.create("customer", name="First")
    told = await asyncio.gather(*(client.change() for client in (*doomed, *many)))
    assert [one["customer"]["name"] for one in told] == ["First"] * 63
    work_processes.gateway.send_signal(signal.SIGKILL)
    for client in doomed:
        assert (await client.closed())[0] == 1006
    await side.create("customer", name="Second")
    told = await asyncio.gather(*(client.change() for client in many))
    assert [one["customer"]["name"] for one in told] == ["Second"] * 60
    await work_processes.until_idle()
    await asyncio.gather(*(client.nothing() for client in many))


async def started(work_processes, **own: str) -> int:
    """A gateway as a process of its own; its port, once it is ready."""
    port = free_port()
    unlimited = {"KEDANG_COST_POINTS": str(UNLIMITED), "KEDANG_COST_POINTS_PER_SECOND": str(UNLIMITED)}
    work_processes._environment |= {"KEDANG_PORT": str(port)} | unlimited | own
    work_processes.gateway = work_processes.start("kedang_graphql")
    async with httpx.AsyncClient() as http:
        for _ in range(1200):
            try:
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return port
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise TimeoutError(work_processes.said())


async def test_what_takes_too_long_ends_and_holds_up_nobody(town, side, monkeypatch):
    monkeypatch.setattr("kedang_graphql.live._LONGEST_READING", 0.2)
    client = await town.client(side.key)
    await client.watch(NAMES)
    await client.watch("subscription { productChanges { product { name } } }", "products")
    customer = await side.create("customer", name="Open")
    product = await side.create("product", number="1", name="Chai")
    events = [
        LiveEvent(record, one, "updated", sequence, datetime.now(UTC), ("name",))
        for sequence, (record, one) in enumerate([("customer", customer), ("product", product)], 10**9)
    ]
    async with town.databases.owner() as owner, owner.transaction():
        await owner.execute(f'LOCK TABLE "{side.company.ref.schema}".product IN ACCESS EXCLUSIVE MODE')
        await town.services.live.publish(side.company.id, events)
        (error,) = await client.next("products")
        assert error["extensions"]["code"] == "TOO_SLOW_TO_TELL"
        assert (await client.change())["customer"] == {"name": "Open"}
    assert (await client.ask("{ __typename }"))["data"]


@pytest.mark.requirement("I1")
async def test_a_valkey_lost_while_somebody_subscribes_leaves_nobody_deaf(
    town, side, database_settings, work_redis_url, monkeypatch
):
    """After the company is listened to, and before the subscription stands."""
    line = Line(work_redis_url)
    await line.mend()
    gateway = await opened(town, database_settings, line.url)
    check, waiting = Wanted.check, asyncio.Event()

    async def slowly(wanted, tx, viewer):
        await line.cut()
        await waiting.wait()
        await check(wanted, tx, viewer)

    monkeypatch.setattr(Wanted, "check", slowly)
    client = await town.client(side.key, gateway)
    with capture_logs() as logged:
        await client.send("subscribe", "1", {"query": NAMES})
        async with asyncio.timeout(5):
            while not any(one["event"] == "live.valkey_lost" for one in logged):  # noqa: ASYNC110 - the log has no event for it
                await asyncio.sleep(0.01)
    waiting.set()
    assert await client.closed() == (1013, "Live updates are not available")


async def test_who_goes_while_a_company_begins_to_be_listened_to_stands_in_nobodys_way(work_redis_url):
    feed = Feed(work_redis_url, told=lambda *_: None, lost=lambda: None)
    company = new_id()
    gone = asyncio.create_task(feed.listen(company))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    await feed.listen(company)
    assert feed.hears(company)
    await feed.close()


async def test_a_company_that_nobody_watches_any_more_can_be_watched_again(work_redis_url):
    """Also after a time in which nothing at all was listened to."""
    lost = asyncio.Event()
    feed = Feed(work_redis_url, told=lambda *_: None, lost=lost.set, quiet=0.05)
    company = new_id()
    for _ in range(2):
        await feed.listen(company)
        assert feed.hears(company)
        await feed.ignore(company, unless=lambda: False)
        assert not feed.hears(company)
        await asyncio.sleep(0.2)
    assert not lost.is_set()
    await feed.close()
