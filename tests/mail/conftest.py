"""A mail server for each test that asks for one."""

import pytest

from tests.mail.sink import Sink


@pytest.fixture
async def sink():
    sink = Sink()
    sink.start()
    yield sink
    await sink.mailer.close()
    sink.controller.stop()
