"""A client that costs next to nothing itself: prepared bytes over one kept connection."""

import socket
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One server and the request to send it."""

    name: str
    port: int
    request: bytes


def post(port: int, path: str, body: bytes, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Connection:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> bytes:
        """The body of the answer, which must be a 200 with a length."""
        self._socket.sendall(request)
        received = bytearray()
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], bytes(received[:2000])
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        body = bytearray(rest)
        while len(body) < length:
            body += self._more()
        return bytes(body)

    def _more(self) -> bytes:
        part = self._socket.recv(1 << 18)
        assert part, "the server closed the connection"
        return part

    def close(self) -> None:
        self._socket.close()


def once(target: Target) -> bytes:
    """One answer of a target."""
    connection = Connection(target.port)
    try:
        return connection.send(target.request)
    finally:
        connection.close()


def medians(targets: list[Target], *, rounds: int = 30, each: int = 10) -> dict[str, float]:
    """The median milliseconds of each target, measured in turns so that a drifting machine hits all alike."""
    connections = {target.name: Connection(target.port) for target in targets}
    times: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(rounds + 5):
        for target in targets:
            connection = connections[target.name]
            for _ in range(each):
                began = time.perf_counter()
                connection.send(target.request)
                took = (time.perf_counter() - began) * 1000
                if number >= 5:
                    times[target.name].append(took)
    for connection in connections.values():
        connection.close()
    return {name: statistics.median(values) for name, values in times.items()}
