"""One company out of a backup, set beside the living one."""

from kedang_workers.beside.restoring import Beside, restore_beside

__all__ = ["Beside", "restore_beside"]
