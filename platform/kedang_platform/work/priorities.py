"""How much work presses, within its company: the lower number goes first.

Never for good: what waits a minute longer than the most pressing work has every fifth turn (``turns``).
"""

from __future__ import annotations

from typing import Final

URGENT: Final = -10
"""Somebody sits before a screen until it is done: links and codes to sign in with."""
USUAL: Final = 0
"""What follows a change, and what is told to people."""
BULK: Final = 10
"""What nobody waits for at this moment: imports, exports, reports, webhooks, many letters at once."""
