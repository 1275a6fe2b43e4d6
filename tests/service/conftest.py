import pytest

from tests.service.desk import ServiceDesk, open_desk


@pytest.fixture
async def desk(shop) -> ServiceDesk:
    return await open_desk(shop)
