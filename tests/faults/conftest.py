import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.forms import form, seed
from tests.faults.house import House, Result

_SEED = pytest.StashKey[int]()
_TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[_SEED] = seed()
    config.stash[_TOLD] = []


@pytest.hookimpl(trylast=True)  # after markers have decided what runs at all
def pytest_collection_modifyitems(config, items):
    """What needs a disk of its own is deselected where none may be mounted, and the run says so."""
    asking = [item for item in items if item.get_closest_marker("small_disk")]
    if asking and not _may_mount():
        config.hook.pytest_deselected(items=asking)
        items[:] = [item for item in items if item not in asking]
        config.stash[_TOLD].append("the full disk was left out: this machine lets us mount none")


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        asked = subprocess.run(
            [sys.executable, "-m", "tests.faults.small_disk", folder],
            check=False,
            cwd=Path(__file__).parents[2],
        )
    return asked.returncode == 0


def pytest_report_header(config):
    return f"faults: {form().name} form, KEDANG_FAULTS_SEED={config.stash[_SEED]}"


@pytest.fixture(scope="session")
async def standing_house(pytestconfig):
    house = await House.open(form(), pytestconfig.stash[_SEED])
    yield house
    told = pytestconfig.stash[_TOLD]
    told += house.notes
    faults: dict[str, list[Result]] = {}
    for result in house.results:
        faults.setdefault(result.fault, []).append(result)
    for fault, results in faults.items():
        slowest = max(results, key=lambda one: one.recovered)
        told.append(f"{fault}: {len(results)} times, recovered in {slowest.recovered:.1f} s ({slowest.last})")
    await house.close()


@pytest.fixture
async def house(standing_house, request):
    """The house. In the full form each fault is judged by itself, in the small one each file by its last test.

    So is a file that is ``JUDGED_TOGETHER`` in both: what one of its tests begins, a later one sees the end of.
    """
    yield standing_house
    if standing_house.form.name == "full" and not getattr(request.module, "JUDGED_TOGETHER", False):
        await standing_house.acquit()


def pytest_terminal_summary(terminalreporter, config):
    if told := config.stash.get(_TOLD, []):
        terminalreporter.section(f"faults ({form().name} form, seed {config.stash[_SEED]})")
        for line in told:
            terminalreporter.line(line)
