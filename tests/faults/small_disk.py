"""A disk of a size of one's own, without root where the kernel allows it: ``python -m tests.faults.small_disk <folder>`` asks."""

import ctypes
import os
import sys
from pathlib import Path

_NEW_NAMESPACE, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14


def mount_small_disk(folder: Path, megabytes: int) -> bool:
    """Make ``folder`` a disk of that size that only this process and its children see; False where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    if libc.unshare(_NEW_NAMESPACE | (0 if root else _NEW_USERS)) != 0:
        return False
    if not root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    if libc.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None) != 0:
        return False
    options = f"size={megabytes}m,mode=0755".encode()
    return bool(libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, options) == 0)


if __name__ == "__main__":
    sys.exit(0 if mount_small_disk(Path(sys.argv[1]), 1) else 1)
