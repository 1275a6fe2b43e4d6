import pytest

from tests.imports.support import Office


@pytest.fixture
async def office(databases, database_settings, company, tmp_path) -> Office:
    """A company whose owner imports."""
    return await Office.open(databases, database_settings, company, tmp_path)
