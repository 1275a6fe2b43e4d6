import pytest

from tests.wall.sides import Side, make_side


@pytest.fixture
async def sides(gateway) -> tuple[Side, Side]:
    """The company from which the ids of the other one are tried, and the other one."""
    return await make_side(gateway, "Northwind Traders"), await make_side(gateway, "Rival & Sons")
