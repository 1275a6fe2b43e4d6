"""The support that every test may ask for; each module there owns its fixtures."""

import gc

import pytest

# What is imported for the tests stays to the end: looking for garbage in it while it grows took a third of the time.
gc.disable()

# In the order of their imports of each other: pytest rewrites the assertions of a plugin before it is imported.
pytest_plugins = [
    "tests.support.logs",
    "tests.support.accounts",
    "tests.support.servers",
    "tests.support.database",
    "tests.support.workers",
    "tests.support.people",
    "tests.support.trading",
    "tests.support.gateway",
    "tests.support.chromium",
]

LONGEST = (
    "tests/wall/test_schema.py",
    "tests/matrix/",
    "tests/cli/test_up.py",
    "tests/wall/test_credentials.py",
    "tests/observing/test_canary.py",
    "tests/reading/test_differential.py",
    "tests/surveys/test_dispatch_killed.py",
)
"""What takes longest begins first: at the end one process would work on it while the other has nothing left."""


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
