import ssl
import subprocess
from ipaddress import ip_address

import pytest
from hypothesis import given
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
)
from kedang_platform.outgoing.addresses import parsed

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
        assert (answer.status, answer.body) == (200, b"ok")
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


async def test_an_answer_is_read_to_its_limit_only(serving):
    async with serving(answer=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000) as server:
        answer = await post(client(answer_bytes=1000), f"http://127.0.0.1:{server.port}/")
        assert answer.body == b"x" * 1000


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


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://shop.example/", "file:///etc/passwd", "https://", "https://a:b@shop.example/",
        "https://shop.example/#x", "https://shop.example:0/", "gopher://1.1.1.1/", "//shop.example/",
        "https://shop.example/" + "x" * 2000, "https://shop .example/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UrlRefused):
        check_url(url, LOOPBACK)


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
