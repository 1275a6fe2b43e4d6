"""Running something as another account, and tests that only root can run."""

import os
import pwd
import sys
from pathlib import Path

from kedang_platform.embedded.places import Account


def pytest_collection_modifyitems(config, items):
    """Tests of what only root can do are deselected for everybody else."""
    if os.geteuid() != 0:
        foreign = [item for item in items if item.get_closest_marker("root")]
        config.hook.pytest_deselected(items=foreign)
        items[:] = [item for item in items if item not in foreign]


def become(account: str | None) -> list[str]:
    """A command that makes the rest run as ``account``; it keeps the right to read our environment.

    That right alone is needed where the checkout lies under a folder that only root enters.
    """
    if account is None:
        return []
    entry = pwd.getpwnam(account)
    become = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    if Account(uid=entry.pw_uid, gid=entry.pw_gid).reaches(Path(sys.executable)):
        return become
    right = "+dac_override"
    return [*become, f"--inh-caps={right}", f"--ambient-caps={right}"]
