"""Live, ready, degraded, draining: what each process says of itself."""

import asyncio
import time

import httpx
import pytest

from kedang_platform.embedded import free_port
from kedang_platform.observing.endpoint import MetricsPortTaken, MetricsUnprotected, telling
from kedang_platform.observing.health import Health
from kedang_platform.observing.metrics import Pools

pytestmark = pytest.mark.requirement("O3")

TOKEN = "a token for the metrics of tests"
NOBODY = "redis://127.0.0.1:1/0"


def settings_with(base, **own):
    return base.model_copy(update={"metrics_port": free_port(), **own})


async def test_a_process_is_starting_then_ready_then_draining(databases, work_redis_url):
    health = Health()
    assert await told(health) == (503, "starting")
    health.begin(databases, redis_url=work_redis_url)
    assert await told(health) == (200, "ready")
    health.drain()
    assert await told(health) == (503, "draining")


async def test_without_valkey_it_is_degraded_and_without_database_not_ready(databases, monkeypatch):
    health = Health()
    health.begin(databases, redis_url=NOBODY)
    assert await told(health) == (200, "degraded")

    def away():
        raise ConnectionRefusedError

    monkeypatch.setattr(databases, "control_read", away)
    assert await told(health) == (503, "no database")


async def told(health):
    found = await health.ready()
    return found.code, found.status


async def test_the_small_server_tells_health_to_all_and_figures_to_who_bears_the_token(
    databases, database_settings
):
    settings = settings_with(database_settings, metrics_token=None)
    health = Health()
    health.begin(databases, redis_url=None)
    async with telling(settings, health, Pools(databases)) as port, client(port) as http:
        assert (await http.get("/livez")).json() == {"status": "live"}
        assert (await http.get("/readyz")).json() == {"status": "ready"}
        figures = await http.get("/metrics?x=1")
        assert (figures.status_code, "kedang_pool_size" in figures.text) == (200, True)
        assert (await http.get("/anything")).status_code == 404
        assert (await http.post("/metrics")).status_code == 400
        assert (await http.head("/readyz")).content == b""


async def test_a_token_closes_figures_and_a_wider_address_asks_for_one(databases, database_settings):
    from pydantic import SecretStr

    guarded = settings_with(database_settings, metrics_token=SecretStr(TOKEN))
    async with telling(guarded, Health()) as port, client(port) as http:
        assert (await http.get("/metrics")).status_code == 404
        assert (await http.get("/metrics", headers={"authorization": "Bearer wrong"})).status_code == 404
        assert (await http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200
        assert (await http.get("/readyz")).json() == {"status": "starting"}
        with pytest.raises(MetricsPortTaken):
            async with telling(guarded, Health()):
                pass
    open_to_all = settings_with(database_settings, metrics_token=None, metrics_host="0.0.0.0")
    with pytest.raises(MetricsUnprotected):
        async with telling(open_to_all, Health()):
            pass


async def test_without_a_port_nothing_is_told(database_settings):
    async with telling(database_settings.model_copy(update={"metrics_port": None}), Health()) as port:
        assert port is None


async def test_whoever_says_nothing_or_too_much_is_left(databases, database_settings):
    async with telling(settings_with(database_settings, metrics_token=None), Health()) as port:
        for said in (b"GET /livez HTTP/1.1\r\nx: " + b"y" * 20_000, b"\r\n\r\n", b"\x00\xff\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            assert not (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()


def client(port):
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")


async def test_a_gateway_told_to_stop_says_so_before_it_closes(work_processes, work_environment):
    port = free_port()
    work_environment |= {"KEDANG_PORT": str(port), "KEDANG_DRAIN_SECONDS": "1"}
    process = work_processes.start("kedang_graphql")
    async with client(port) as http:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if (await http.get("/readyz")).json() == {"status": "ready"}:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        process.terminate()
        answer = await http.get("/readyz")
        while answer.status_code == 200:
            answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
        assert (await http.get("/livez")).status_code == 200
    assert await asyncio.to_thread(process.wait, 30) in {0, -15}
