"""The public answer page over the real gateway: how long until its first byte, and how many bytes it is in all (V4)."""

import socket
import statistics
import time
from urllib.parse import urlencode

import pytest

from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.templates import seed_questionnaires
from kedang_tenants.surveys.versions import publish_version
from tests.support.answering import ask

pytestmark = [pytest.mark.bench, pytest.mark.requirement("V4")]

FIRST_BYTE_MS = 10
LARGEST = 30 * 1024
INVITATIONS, TIMES = 20, 400


async def largest_template(databases, company):
    """The after-sale template, published, and invitations to it; all the other rows of a small company."""
    asked = await ask(databases, company)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await seed_questionnaires(write, viewer, clock=asked.factory.clock)
        row = await write.fetchrow(
            "SELECT v.id, q.id AS questionnaire FROM questionnaire_version v"
            " JOIN questionnaire q ON q.id = v.questionnaire_id WHERE q.template = 'AFTER_SALE'"
        )
        await publish_version(write, viewer, version_id=row["id"], clock=asked.factory.clock)
    asked.questionnaire_id, asked.version_id = row["questionnaire"], row["id"]
    delivery = await asked.factory.one("delivery", number="DL-1")
    return [await asked.invite(language="ZH_CN", subject=f"del_{delivery.hex}") for _ in range(INVITATIONS)]


def asking(port, method, path, body=""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if body:
        lines += [
            f"Origin: http://127.0.0.1:{port}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def fetch(connection, request):
    """Milliseconds until the first byte of the answer, and all of its bytes."""
    began = time.perf_counter()
    connection.sendall(request)
    received = bytearray(connection.recv(1 << 18))
    first = (time.perf_counter() - began) * 1e3
    while b"\r\n\r\n" not in received:
        received += connection.recv(1 << 18)
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = (int(lengths[0].split(b":")[1]) if lengths else 0) - len(body)
    while left > 0:
        part = connection.recv(1 << 18)
        received += part
        left -= len(part)
    return first, bytes(received)


def told(times):
    ordered = sorted(times)
    return f"p50 {statistics.median(ordered):.2f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.2f} ms"


async def test_first_byte_and_bytes(databases, company, serve):
    invitations = await largest_template(databases, company)
    port = serve("kedang_graphql")
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened, saved, largest = [], [], 0
    for number in range(TIMES + 40):
        path = invitations[number % INVITATIONS].path
        first, answer = fetch(connection, asking(port, "GET", path))
        assert b" 200 " in answer.split(b"\r\n")[0]
        opened.append(first)
        largest = max(largest, len(answer))
    for number in range(TIMES // 4):
        path = invitations[number % INVITATIONS].path
        body = urlencode({"do": "keep", "a1": "VERY_SATISFIED", "c1": f"{number}"})
        first, answer = fetch(connection, asking(port, "POST", path, body))
        assert b" 204 " in answer.split(b"\r\n")[0], answer
        saved.append(first)
    connection.close()
    del opened[:40]
    print(f"\nanswer page, first byte: {told(opened)} (p50 <= {FIRST_BYTE_MS} ms)")
    print(f"answer page in all: {largest} bytes (<= {LARGEST})")
    print(f"saving one answer in passing: {told(saved)}")
    assert largest <= LARGEST
