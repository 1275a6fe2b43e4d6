"""What every answer tells browsers (OWASP ASVS 5.0, 3.4): pages, API, files, mistakes."""

import httpx
import pytest

from tests.support.gateway import serve

PATHS = (
    "/",
    "/sign-in",
    "/graphql",
    "/livez",
    "/readyz",
    "/nothing/here",
    "/mail",
    "/s/none.AAAA",
    "/files/none",
)


@pytest.fixture
async def public(databases, database_settings, tmp_path):
    """A gateway that people reach by https, behind a proxy that ends TLS."""
    own = {"var": tmp_path, "public_url": "https://crm.example"}
    async with serve(databases, database_settings, **own) as gateway:
        yield gateway


async def answers(url):
    async with httpx.AsyncClient(base_url=url) as http:
        for path in PATHS:
            for method in ("GET", "POST", "TRACE"):
                yield method, path, await http.request(method, path)


async def test_every_answer_forbids_sniffing_framing_loading_and_telling(public):
    seen = 0
    async for method, path, answer in answers(public.url):
        told = answer.headers
        where = f"{method} {path}"
        assert told["x-content-type-options"] == "nosniff", where
        assert told["referrer-policy"] in {"same-origin", "no-referrer"}, where
        assert "frame-ancestors 'none'" in told["content-security-policy"], where
        assert told["cross-origin-opener-policy"] == "same-origin", where
        assert told["strict-transport-security"] == "max-age=31536000; includeSubDomains", where
        assert "access-control-allow-origin" not in told, where
        assert len(told.get_list("content-security-policy")) == 1, where
        seen += 1
    assert seen == len(PATHS) * 3


async def test_trace_is_answered_nowhere(public):
    async for method, path, answer in answers(public.url):
        if method == "TRACE":
            assert answer.status_code in {404, 405}, path


async def test_over_http_browsers_are_not_told_to_come_by_https(gateway):
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        assert "strict-transport-security" not in (await http.get("/livez")).headers
