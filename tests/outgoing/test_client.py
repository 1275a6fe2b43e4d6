import asyncio
import contextlib
import gzip
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.outgoing import (
    AddressRefused,
    AllowedNetworks,
    Limits,
    NotReachable,
    OutgoingClient,
    UrlRefused,
    check_url,
    is_public,
    wait_of,
)
from kedang_platform.outgoing.addresses import parsed
from kedang_platform.outgoing.exchange import NoHttp, exchange

LOOPBACK = AllowedNetworks.of("127.0.0.0/8, ::1/128")
NOTHING = AllowedNetworks()
HEADERS = {"content-type": "application/json"}


def names(**known: str):
    """A resolver that knows these names only, with addresses separated by spaces."""

    async def resolve(host: str, _port: int):
        if host not in known:
            raise OSError(host)
        return known[host].split()

    return resolve


def client(allowed=LOOPBACK, resolve=None, **limits) -> OutgoingClient:
    return OutgoingClient(allowed=allowed, limits=Limits(**limits), resolve=resolve)


async def post(made: OutgoingClient, url: str):
    return await made.post(url, body=b"{}", headers=HEADERS)


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a00:1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "ff02::1",
    ],
)  # fmt: skip
async def test_no_private_network_is_called_by_whatever_name(address):
    assert not is_public(parsed(address))
    outgoing = client(NOTHING, names(**{"shop.example": address}))
    with pytest.raises(AddressRefused):
        await post(outgoing, "https://shop.example/hook")
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        check_url(f"https://{host}/hook", NOTHING)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.63.255.255", "2606:4700::1111"])
def test_public_addresses_are_public(address):
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_what_python_knows_as_not_global_is_never_public(address):
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.requirement("I1")
async def test_a_name_of_which_one_address_is_private_is_refused(serving):
    async with serving() as server:
        outgoing = client(NOTHING, names(**{"shop.example": "1.1.1.1 127.0.0.1"}))
        with pytest.raises(AddressRefused):
            await post(outgoing, f"https://shop.example:{server.port}/")
        assert server.connections == 0


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "0177.0.0.1", "0"])
async def test_odd_spellings_of_this_machine_are_refused(serving, host):
    async with serving() as server:
        with pytest.raises((AddressRefused, UrlRefused)):
            await post(client(NOTHING), f"https://{host}:{server.port}/")
        assert server.connections == 0


@pytest.mark.requirement("I1")
async def test_a_name_that_answers_differently_the_second_time_gains_nothing(serving):
    """DNS rebinding: the name is asked for once, and what was checked is what is called."""
    answers = iter(["127.0.0.2", "127.0.0.1"])
    asked = []

    async def rebinding(host: str, _port: int):
        asked.append(host)
        return [next(answers)]

    only_second = AllowedNetworks.of("127.0.0.2/32")
    async with serving("127.0.0.1") as inside, serving("127.0.0.2") as outside:
        answer = await post(client(only_second, rebinding), f"http://shop.example:{outside.port}/hook?a=1")
        assert answer.status == 200
        assert asked == ["shop.example"]
        assert outside.got[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
        assert f"host: shop.example:{outside.port}\r\n".encode() in outside.got[0].lower()
        with pytest.raises(UrlRefused):
            await post(client(only_second, rebinding), f"http://shop.example:{inside.port}/")
        assert inside.connections == 0


@pytest.mark.requirement("I1")
async def test_a_redirect_is_an_answer_and_is_not_followed(serving):
    async with serving() as inner, serving() as server:
        server.answer = (
            f"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inner.port}/\r\ncontent-length: 0\r\n\r\n"
        ).encode()
        assert (await post(client(), f"http://127.0.0.1:{server.port}/")).status == 302
        assert (server.connections, inner.connections) == (1, 0)


@pytest.mark.requirement("I1")
async def test_an_answer_is_known_as_soon_as_its_head_is(serving):
    """A body that never ends, or drips, neither holds anybody up nor turns what was said into a failure."""
    async with serving(answer=b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nx", open_end=True) as server:
        answer = await post(client(seconds=2), f"http://127.0.0.1:{server.port}/")
        assert (answer.status, answer.retry_after) == (200, None)
    async with serving(answer=b"HTTP/1.1 204 No Content\r\n\r\n" + b"x" * 5_000_000) as server:
        assert (await post(client(), f"http://127.0.0.1:{server.port}/")).status == 204


@pytest.mark.requirement("I1")
async def test_nothing_is_unpacked_and_no_cookie_is_looked_at(serving):
    packed = gzip.compress(b"x" * 1_000_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nset-cookie: a=b; expires=never\r\ncontent-length: %d\r\n\r\n"
    async with serving(answer=head % len(packed) + packed) as server:
        assert (await post(client(), f"http://127.0.0.1:{server.port}/")).status == 200
    assert b"accept-encoding: identity\r\n" in server.got[0].lower()


FLOODS = {
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 200,
    "headers": b"x: " + b"y" * 1000 + b"\r\n",
    "one header": b"y" * 1000,
    "nothing of HTTP": b"\x16\x03\x01" * 300,
}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_head_that_never_ends_is_left_after_64_kilobytes(serving, flood):
    async with serving(answer=b"HTTP/1.1 100 Continue\r\n", flood=FLOODS[flood]) as server:
        with pytest.raises(NotReachable) as caught:
            await post(client(seconds=30), f"http://127.0.0.1:{server.port}/")
    assert "web server" in caught.value.message
    assert server.sent < 20_000_000  # what the buffers of both sides take


async def test_a_head_that_drips_is_left_in_time(serving):
    async with serving(answer=b"HTTP/1.1 200 OK\r\n", flood=b"x", every=0.02) as server:
        with pytest.raises(NotReachable) as caught:
            await post(client(seconds=0.3), f"http://127.0.0.1:{server.port}/")
    assert "in time" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "status", "retry_after"),
    [
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 202 OK\r\n\r\n",
            202,
            None,
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, None),
        (b"HTTP/1.0 200 OK\r\n\r\n", 200, None),
        (b"HTTP/1.1 204\r\n\r\n", 204, None),
        (b"HTTP/1.1 200 OK\n\n", 200, None),
        (b"HTTP/1.1 429 Slow\r\nRETRY-after:  120 \r\nx: y\r\n\r\n", 429, "120"),
        (b"HTTP/1.1 503 Busy\r\nx-retry-after: 1\r\n\r\nretry-after: 2\r\n", 503, None),
    ],
)
async def test_of_an_answer_its_status_and_when_to_come_again_are_read(serving, answer, status, retry_after):
    async with serving(answer=answer) as server:
        got = await post(client(), f"http://127.0.0.1:{server.port}/")
        assert (got.status, got.retry_after) == (status, retry_after)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
    ],
)
async def test_what_is_no_answer_is_none(serving, answer):
    async with serving(answer=answer) as server:
        with pytest.raises(NotReachable):
            await post(client(), f"http://127.0.0.1:{server.port}/")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 \r\n\r\n"]),
)
def test_whatever_comes_back_is_an_answer_or_none(noise, beginning):
    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(beginning + noise)
        reader.feed_eof()
        with contextlib.suppress(NoHttp):
            head = await exchange(reader, SimpleNamespace(write=len), b"")  # type: ignore[arg-type]
            assert 101 <= head.status <= 999

    with asyncio.Runner() as runner:
        runner.run(read())


@pytest.mark.requirement("I1")
async def test_names_that_never_answer_hold_no_threads_of_others(monkeypatch):
    held = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: held.wait(20) or [])
    made = client(NOTHING, seconds=0.2)
    try:
        asked = [post(made, f"https://shop{n}.example/") for n in range(20)]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(one) for one in told} == {NotReachable}
        assert await asyncio.wait_for(asyncio.to_thread(lambda: 7), 5) == 7
    finally:
        held.set()


@pytest.mark.requirement("I1")
async def test_another_address_of_the_name_is_taken_when_the_first_takes_no_connection(serving):
    async with serving("127.0.0.3") as server:
        resolve = names(**{"shop.example": "127.0.0.2 127.0.0.3"})
        answer = await post(client(resolve=resolve), f"http://shop.example:{server.port}/")
        assert (answer.status, server.connections) == (200, 1)
        with pytest.raises(NotReachable):
            await post(client(resolve=resolve, addresses=1), f"http://shop.example:{server.port}/")
    async with serving("127.0.0.2", answer=b"") as first, serving("127.0.0.3", port=first.port) as second:
        with pytest.raises(NotReachable):  # it was sent to the first, so it is not sent to the second
            await post(client(resolve=resolve), f"http://shop.example:{first.port}/")
        assert (first.connections, second.connections) == (1, 0)


async def test_addresses_are_not_logged_for_they_may_hold_secrets(serving, caplog):
    caplog.set_level("DEBUG")
    async with serving() as server:
        await post(client(), f"http://127.0.0.1:{server.port}/hook?token=hush")
    assert "hush" not in caplog.text


async def test_whoever_says_nothing_is_left(serving):
    async with serving(silent=True) as server:
        with pytest.raises(NotReachable):
            await post(client(seconds=0.2), f"http://127.0.0.1:{server.port}/")
        assert len(server.got) == 1


async def test_what_does_not_exist_is_not_reachable(serving):
    async with serving() as server:
        port = server.port
    with pytest.raises(NotReachable):
        await post(client(), f"http://127.0.0.1:{port}/")
    with pytest.raises(NotReachable):
        await post(client(resolve=names()), "https://shop.example/")


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://shop.example/", "file:///etc/passwd", "https://", "https://a:b@shop.example/",
        "https://shop.example/#x", "https://shop.example:0/", "gopher://1.1.1.1/", "//shop.example/",
        "https://shop.example/" + "x" * 2000, "https://shop .example/", "https://shop.example\\@127.0.0.1/",
        "https://shop.example%2f@127.0.0.1/", "https://127%2e0.0.1/", "https://①②⑦.0.0.1/", "https://１２７.0.0.1/",
        "https://@shop.example/", "https://:@shop.example/", "https://shop.example:99999/", "https://shop.example:-1/",
        "https://shop.example./", "https://127.0.0.1./", "https://0/", "https://127.1/", "https://0x7f.1/",
        "https://2130706433/", "https://0177.0.0.1/", "https://1.2.3.4.5/", "https://a..b/", "https://-a.example/",
        "https://a-.example/", "https://" + "a" * 64 + ".example/", "https://intranet/", "https://[v1.x]/",
        "https://[127.0.0.1]/", "https://shop.example/a\r\nx: y", "https://ⓛocalhost/",
        "https://loc\u00adalhost/", "https:shop.example/", " https://shop.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UrlRefused):
        check_url(url, NOTHING)


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://LOCALHOST:8443/x",
        "https://a.localhost/",
        "https://127。0。0。1/",
        "https://[fe80::1%25eth0]/",
    ],
)
def test_names_of_this_machine_are_refused_without_being_asked_for(url):
    with pytest.raises(AddressRefused):
        check_url(url, NOTHING)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("HTTPS://SHOP.example:8443", "shop.example"),
        ("https://shop_x.example/", "shop_x.example"),
        ("https://1e100.example/", "1e100.example"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111"),
    ],
)
def test_other_names_pass(url, host):
    assert check_url(url, NOTHING).raw_host == host.encode()


def test_what_the_operator_allows_may_have_a_name_of_one_word():
    assert check_url("http://intranet/", LOOPBACK).host == "intranet"
    assert check_url("http://localhost:8080/", LOOPBACK).host == "localhost"
    with pytest.raises(AddressRefused):
        check_url("https://localhost/", AllowedNetworks.of("10.0.0.0/8"))


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None), ("0", timedelta()),
        ("120", timedelta(minutes=2)), ("9" * 50, timedelta.max),
        ("Sun, 22 Nov 2026 12:01:30 GMT", timedelta(seconds=90)), ("Sun, 22 Nov 2026 11:00:00 GMT", timedelta()),
        ("Sunday, 22-Nov-26 12:00:01 GMT", timedelta(seconds=1)), ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ],
)  # fmt: skip
def test_when_to_come_again_is_a_number_of_seconds_or_a_date(text, wait):
    assert wait_of(text, now=NOON) == wait


@given(st.text(max_size=100))
def test_whatever_stands_there_is_understood_or_left(text):
    wait = wait_of(text, now=NOON)
    assert wait is None or wait >= timedelta()


def test_plain_http_needs_the_operators_leave():
    with pytest.raises(UrlRefused):
        check_url("http://shop.example/", NOTHING)
    with pytest.raises(UrlRefused):
        check_url("http://1.1.1.1/", LOOPBACK)
    assert check_url("http://127.0.0.1/", LOOPBACK).host == "127.0.0.1"
    assert check_url("https://shop.example/", NOTHING).host == "shop.example"


async def test_proxies_of_the_environment_are_not_used(serving, monkeypatch):
    async with serving() as proxy, serving() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert (await post(client(), f"http://127.0.0.1:{server.port}/")).status == 200
        assert proxy.connections == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of shop.example that vouches for itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    return folder


@pytest.mark.requirement("I1")
async def test_the_certificate_is_checked_against_the_name(serving, certificate):
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    resolve = names(**{"shop.example": "127.0.0.1", "other.example": "127.0.0.1"})
    async with serving(tls=own) as server:
        known = OutgoingClient(allowed=LOOPBACK, resolve=resolve, tls=trusting)
        assert (await post(known, f"https://shop.example:{server.port}/")).status == 200
        with pytest.raises(NotReachable):
            await post(known, f"https://other.example:{server.port}/")
        unknown = OutgoingClient(allowed=LOOPBACK, resolve=resolve)
        with pytest.raises(NotReachable):
            await post(unknown, f"https://shop.example:{server.port}/")
        assert len(server.got) == 1


@pytest.mark.requirement("I1")
async def test_who_never_ends_its_greeting_or_its_leave_is_left_in_time(serving, certificate):
    """TLS: the one says nothing at all, the other answers and then does not take leave."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    limits = Limits(seconds=20, connect_seconds=0.3)
    made = OutgoingClient(
        allowed=LOOPBACK, resolve=names(**{"shop.example": "127.0.0.1"}), tls=trusting, limits=limits
    )
    async with serving(silent=True) as server:
        with pytest.raises(NotReachable):
            await asyncio.wait_for(post(made, f"https://shop.example:{server.port}/"), 10)
    async with serving(tls=own, open_end=True) as server:
        answer = await asyncio.wait_for(post(made, f"https://shop.example:{server.port}/"), 10)
        assert answer.status == 200
