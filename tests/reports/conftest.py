import pytest

from tests.reports.world import World, open_world
from tests.support.trading import shop

__all__ = ["shop"]


@pytest.fixture
async def world(shop) -> World:
    return await open_world(shop)
