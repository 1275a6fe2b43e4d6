"""What the product logs while a test runs, in the lines that an operator would read."""

import orjson
import pytest

from kedang_platform.observing.logs import LineFormatter, configure_structlog

FORMATTER = LineFormatter("test", as_json=True)


def pytest_configure(config: pytest.Config) -> None:
    """Lines go to the standard library's loggers, as in the product, where pytest hears them."""
    configure_structlog()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """What was logged in this test so far, formatted as the product does it.

    Messages of libraries are shorter than in the product: what stands in their code is known while they log.
    """
    return [orjson.loads(FORMATTER.format(record)) for record in caplog.records]
