import pytest

from kedang_platform.clock import FixedClock
from tests.changing.world import World, make_world
from tests.support.factories import Factory


@pytest.fixture
async def world(databases, company) -> World:
    return await make_world(databases, company, Factory(databases, company, FixedClock()))
