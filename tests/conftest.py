"""The support that every test may ask for; each module there owns its fixtures."""

pytest_plugins = ["tests.support.servers", "tests.support.database"]
