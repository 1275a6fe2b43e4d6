import pytest

from tests.bulk.support import BulkOffice


@pytest.fixture
async def office(databases, database_settings, company, tmp_path) -> BulkOffice:
    """A company whose owner works in bulk."""
    return await BulkOffice.open(databases, database_settings, company, tmp_path)
