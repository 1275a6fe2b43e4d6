"""A mail server that only counts: ``python -m tests.bench.smtp_sink <port>``.

``VRFY counts`` is answered with how many mails it took and how many distinct Message-IDs they bore.
"""

import asyncio
import re
import signal
import sys

import uvloop
from aiosmtpd.smtp import SMTP

_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)


class Counting:
    def __init__(self):
        self.taken = 0
        self.message_ids = set()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.taken += 1
        self.message_ids.add(_MESSAGE_ID.search(envelope.content)[1])
        return "250 OK"

    async def handle_VRFY(self, server, session, envelope, address):  # noqa: N802
        return f"252 {self.taken} {len(self.message_ids)}"


async def serve(port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    counting = Counting()
    server = await loop.create_server(
        lambda: SMTP(counting, hostname="sink.example", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
