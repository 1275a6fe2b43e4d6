"""Buckets of points shared by processes through Valkey, and what they are without it."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from kedang_platform.buckets import Buckets, database_beside
from kedang_platform.ids import new_id

pytestmark = pytest.mark.requirement("I1")
STILL = 1e-6  # points a second: a bucket that does not fill up within a test


@asynccontextmanager
async def opened(**kwargs):
    buckets = Buckets(**kwargs)
    try:
        yield buckets
    finally:
        await buckets.close()


async def until(look, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await look():  # noqa: ASYNC110 - Valkey has no event for it
            await asyncio.sleep(0.02)


async def held(redis_url: str, key: str, size: int) -> float:
    """What Valkey says that a bucket holds; nothing is taken."""
    async with opened(size=size, rate=STILL, redis_url=redis_url) as fresh:
        taken = await fresh.take(key, size + 1)
        assert not taken.granted
        return taken.available


@pytest.fixture
def key():
    return new_id().hex


async def test_a_bucket_is_the_same_in_all_processes(servers, key):
    url = servers.redis_url
    async with (
        opened(size=1000, rate=STILL, redis_url=url) as one,
        opened(size=1000, rate=STILL, redis_url=url) as other,
    ):
        assert (await one.take(key, 400)).granted

        async def told() -> bool:
            return await held(url, key, 1000) < 1000

        await until(told)
        refused = await other.take(key, 601)
        assert (refused.granted, round(refused.available)) == (False, 600)
        assert (await other.take(key, 600)).granted
        assert not (await other.take(key, 1)).granted


async def test_what_a_process_took_too_much_is_a_debt(servers, key):
    url = servers.redis_url
    async with (
        opened(size=1000, rate=STILL, redis_url=url) as one,
        opened(size=1000, rate=STILL, redis_url=url) as other,
    ):
        assert (await one.take(key, 900)).granted  # asked: too little would have been left
        assert (await other.take(key, 500)).granted  # taken from what this process last knew

        async def in_debt() -> bool:
            return round(await held(url, key, 1000)) == -400

        await until(in_debt)
        refused = await other.take(key, 1)
        assert (refused.granted, round(refused.available)) == (False, -400)
        assert other.seconds_until(1, refused.available) == round(401 / STILL)


async def test_what_is_given_back_is_there_for_all(servers, key):
    url = servers.redis_url
    async with opened(size=1000, rate=STILL, redis_url=url) as one:
        assert (await one.take(key, 1000)).granted
        assert not (await one.take(key, 300)).granted
        one.give_back(key, 700)

        async def there() -> bool:
            return round(await held(url, key, 1000)) == 700

        await until(there)
        assert (await one.take(key, 700)).granted
        assert round(one.give_back(key, 0)) == 0


async def test_a_bucket_fills_up_to_its_size_by_its_rate(key):
    now = [100.0]
    async with opened(size=100, rate=10, seconds=lambda: now[0]) as buckets:
        assert (await buckets.take(key, 100)).granted
        refused = await buckets.take(key, 25)
        assert refused == (await buckets.take(key, 25))
        assert not refused.granted
        assert buckets.seconds_until(25, refused.available) == 3
        now[0] += 3
        taken = await buckets.take(key, 25)
        assert (taken.granted, taken.available) == (True, 5)
        now[0] += 1000
        assert (await buckets.take(key, 0)).available == 100
        assert buckets.give_back(key, 50) == 100


async def test_a_bucket_fills_up_in_valkey(servers, key):
    async with opened(size=1000, rate=2000, redis_url=servers.redis_url) as buckets:
        assert (await buckets.take(key, 1000)).granted

        async def full() -> bool:
            return (await buckets.take(key, 900)).granted

        await until(full)


class Line:
    """A line to Valkey that can be cut and mended."""

    def __init__(self, redis_url: str) -> None:
        self._target = urlsplit(redis_url)
        self._server: asyncio.Server | None = None
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    @property
    def url(self) -> str:
        return self._target._replace(netloc=f":{self._target.password}@127.0.0.1:{self.port}").geturl()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.close()
        self._ends.clear()
        await self._server.wait_closed()

    async def _carry(self, reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._ends += [writing, back]
        await asyncio.gather(_pour(reading, back), _pour(there, writing))


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


async def test_without_valkey_each_process_has_its_own_bucket_until_valkey_is_back(servers, key):
    line = Line(servers.redis_url)
    await line.mend()
    async with opened(size=1000, rate=STILL, redis_url=line.url) as buckets:
        assert (await buckets.take(key, 600)).granted
        await line.cut()
        with capture_logs() as logs:
            assert (await buckets.take(key, 300)).granted
            assert (await buckets.take(key, 100)).granted
            refused = await buckets.take(key, 1)
            assert (refused.granted, round(refused.available)) == (False, 0)
            assert (await buckets.take(new_id().hex, 1000)).granted
            await line.mend()

            async def back() -> bool:
                return any(entry["event"] == "buckets.valkey_back" for entry in logs)

            await until(back)
        assert [entry["event"] for entry in logs] == ["buckets.valkey_away", "buckets.valkey_back"]
        assert round(await held(line.url, key, 1000)) == 0
        assert not (await buckets.take(key, 1)).granted
    await line.cut()


def test_buckets_lie_beside_the_broker():
    assert database_beside("redis://:x@h:1/0") == "redis://:x@h:1/1"
    assert database_beside("redis://h:1") == "redis://h:1/1"
    assert database_beside("rediss://h/3") == "rediss://h/4"
