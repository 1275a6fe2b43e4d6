"""UUID version 7 (RFC 9562, 5.7): time-ordered ids, made here because Python 3.11 has none."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A UUIDv7; ids made by one process rise strictly, also within one millisecond."""
    global _last
    millis = time.time_ns() // 1_000_000
    with _lock:
        # 12 bits of counter sit below the millisecond; overflowing them borrows from the next one.
        _last = max(_last + 1, millis << 12)
        stamp = _last
    value = (stamp >> 12 & (1 << 48) - 1) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)
