"""A shop whose people sell, manage and lead."""

import pytest


@pytest.fixture
async def people(shop):
    sales = await shop.create("department", name="Sales")
    steven = await shop.hire("Steven", "DEPARTMENT_MANAGER", department_id=sales)
    nancy = await shop.hire("Nancy", "REPRESENTATIVE", department_id=sales)
    margaret = await shop.hire("Margaret", "GENERAL_MANAGER")
    return {"Steven": steven, "Nancy": nancy, "Margaret": margaret}
