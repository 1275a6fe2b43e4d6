"""The support that every test may ask for; each module there owns its fixtures."""

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
