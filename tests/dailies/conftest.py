"""A shop whose people write daily reports."""

from datetime import timedelta

import pytest


@pytest.fixture
async def people(shop):
    """Nancy stands under the account manager Janet, she under Steven, who manages sales; Margaret leads."""
    sales = await shop.create("department", name="Sales")
    margaret = await shop.hire("Margaret", "GENERAL_MANAGER")
    steven = await shop.hire("Steven", "DEPARTMENT_MANAGER", department_id=sales)
    janet = await shop.hire("Janet", "ACCOUNT_MANAGER", department_id=sales, superior_id=steven)
    nancy = await shop.hire("Nancy", "REPRESENTATIVE", department_id=sales, superior_id=janet)
    laura = await shop.hire("Laura", "REPRESENTATIVE", department_id=sales, language="ZH_CN")
    shop.clock.move(timedelta(hours=9))  # from nine in the morning to six in the evening
    return {"Margaret": margaret, "Steven": steven, "Janet": janet, "Nancy": nancy, "Laura": laura}


@pytest.fixture
async def customer(shop, people):
    return await shop.create("customer", name="Alfreds Futterkiste", owner_id=people["Nancy"])
