import os
from pathlib import Path

import pytest

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.clock import FixedClock
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.files.local import LocalFiles
from kedang_platform.settings import Settings
from tests.support.database import SECRET, new_database


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def files(tmp_path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


@pytest.fixture(scope="module")
async def elsewhere_url(servers):
    """The superuser's address of another installation in the same cluster."""
    async with new_database(servers, f"kedang_else_{os.urandom(4).hex()}") as url:
        yield url


@pytest.fixture(scope="module")
async def elsewhere(elsewhere_url):
    """Another installation, with room for new companies; its companies come and go."""
    name = elsewhere_url.rpartition("/")[2]
    settings = Settings(role_prefix=name, pool_size=2, var=Path("nowhere"))
    databases = await Databases.open(
        settings, await provision(elsewhere_url, secret=SECRET, settings=settings)
    )
    assert (await migrate(databases)).complete
    await build_spares(databases, count=3)
    yield databases
    await databases.close()
