"""Routes: set, ordered and moved by hand by whoever has them, over customers that they see."""

import pytest

from kedang_platform.errors import BadUserInput, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.classing import routes

pytestmark = pytest.mark.requirement("G5")


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def way(shop, nancy):
    """Customers on one line from west to east, a route of Nancy's, and her looking at it."""
    made = [
        await shop.create(
            "customer", name=f"C{n}", owner_id=nancy, latitude="30", longitude=str(120 + n / 10)
        )
        for n in range(1, 5)
    ]
    viewer = await shop.as_member(nancy)
    route = await shop.create("route", viewer=viewer, name="城东", start_latitude="30", start_longitude="120")
    return route, made, viewer


async def act(shop, verb, viewer, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await verb(write, viewer, clock=shop.clock, **said)


async def stops(shop, route):
    rows = await shop.fetch(
        "SELECT c.name, s.position FROM route_stop s JOIN customer c ON c.id = s.customer_id"
        " WHERE s.route_id = $1 AND s.archived_at IS NULL ORDER BY s.position",
        route,
    )
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["name"] for row in rows]


async def test_stops_are_set_moved_and_put_in_order(shop, way, nancy):
    route, (c1, c2, c3, c4), viewer = way
    assert await shop.value("SELECT owner_id FROM route") == nancy
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c3, c1, c4, c2])
    assert await stops(shop, route) == ["C3", "C1", "C4", "C2"]
    async with shop.databases.tenant_read(shop.company.ref) as read:
        proposal = await routes.propose(read, viewer, route_id=route)
    assert [stop.customer_id for stop in proposal.stops] == [c1, c2, c3, c4]
    assert [stop.km for stop in proposal.stops] == [pytest.approx(9.63, abs=0.01)] * 4
    assert proposal.km == pytest.approx(38.52, abs=0.01)
    assert proposal.km_now == pytest.approx(9.63 * (3 + 2 + 3 + 2), abs=0.05)
    assert proposal.without_place == 0
    assert await stops(shop, route) == ["C3", "C1", "C4", "C2"]  # asking changes nothing
    await act(shop, routes.order_route, viewer, route_id=route)
    assert await stops(shop, route) == ["C1", "C2", "C3", "C4"]
    (last,) = await shop.fetch("SELECT id FROM route_stop WHERE customer_id = $1", c4)
    assert await act(shop, routes.move_stop, viewer, stop_id=last["id"], position=2) == route
    assert await stops(shop, route) == ["C1", "C4", "C2", "C3"]
    await act(shop, routes.move_stop, viewer, stop_id=last["id"], position=99)
    assert await stops(shop, route) == ["C1", "C2", "C3", "C4"]
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c4, c1])
    assert await stops(shop, route) == ["C4", "C1"]
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c2, c4])
    assert await stops(shop, route) == ["C2", "C4"]


async def test_what_cannot_be_a_route_is_refused_and_leaves_it_as_it_was(shop, way):
    route, (c1, c2, *_), viewer = way
    foreign = await shop.create("customer", name="Bottom-Dollar")
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c2, c1])
    for customers, path, code in (
        ([c1, c2, c1], ("input", "customerIds", 2), "TWICE"),
        ([c1, foreign], ("input", "customerIds", 1, "customerId"), "NOT_FOUND"),
    ):
        with pytest.raises(Refused) as refused:
            await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=customers)
        assert [(error.path, error.code) for error in refused.value.errors] == [(path, code)]
    with pytest.raises(BadUserInput):
        await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[new_id() for _ in range(201)])
    with pytest.raises(Refused) as refused:
        await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c1], version=7)
    assert [error.code for error in refused.value.errors] == ["VERSION_CONFLICT"]
    (stop,) = await shop.fetch("SELECT id FROM route_stop WHERE position = 1")
    with pytest.raises(BadUserInput):
        await act(shop, routes.move_stop, viewer, stop_id=stop["id"], position=0)
    assert await stops(shop, route) == ["C2", "C1"]
    with pytest.raises(Refused) as refused:
        await shop.update("route", route, viewer=viewer, start_longitude=None)
    assert [error.code for error in refused.value.errors] == ["COORDINATES_INCOMPLETE"]


async def test_of_two_who_saw_the_same_stops_the_second_is_told(shop, way):
    route, (c1, c2, c3, _), viewer = way
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c1, c2])
    seen = await shop.value("SELECT version FROM route")
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c2, c1, c3], version=seen)
    for verb, said in ((routes.set_stops, {"customer_ids": [c1]}), (routes.order_route, {})):
        with pytest.raises(Refused) as refused:
            await act(shop, verb, viewer, route_id=route, version=seen, **said)
        assert [error.code for error in refused.value.errors] == ["VERSION_CONFLICT"]
    assert await stops(shop, route) == ["C2", "C1", "C3"]
    seen = await shop.value("SELECT version FROM route")
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c2, c1, c3], version=seen)
    assert await shop.value("SELECT version FROM route") == seen  # nothing was moved
    (last,) = await shop.fetch("SELECT id FROM route_stop WHERE customer_id = $1", c3)
    await act(shop, routes.move_stop, viewer, stop_id=last["id"], position=1)
    assert await shop.value("SELECT version FROM route") == seen + 1


@pytest.mark.requirement("A11")
async def test_a_route_is_its_owners(shop, way):
    route, (c1, c2, *_), viewer = way
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c2, c1])
    janet = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    with pytest.raises(Refused) as refused:
        await act(shop, routes.set_stops, janet, route_id=route, customer_ids=[])
    assert [error.code for error in refused.value.errors] == ["NOT_FOUND"]
    (stop,) = await shop.fetch("SELECT id FROM route_stop WHERE position = 1")
    with pytest.raises(NotFound):
        await act(shop, routes.move_stop, janet, stop_id=stop["id"], position=2)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        with pytest.raises(NotFound):
            await routes.propose(read, janet, route_id=route)
    assert await stops(shop, route) == ["C2", "C1"]


async def test_where_a_customer_is_counts_only_for_who_may_know(shop, way):
    route, (c1, c2, c3, _), viewer = way
    await act(shop, routes.set_stops, viewer, route_id=route, customer_ids=[c3, c1, c2])
    await shop.update("customer", c1, owner_id=None)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        proposal = await routes.propose(read, viewer, route_id=route)
    assert [(stop.customer_id, stop.km is None) for stop in proposal.stops] == [
        (c2, False),
        (c3, False),
        (c1, True),
    ]
    assert proposal.without_place == 1
