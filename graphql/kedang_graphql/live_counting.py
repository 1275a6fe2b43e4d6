"""How many there are of each: sockets of a credential, sockets of an address that nobody has signed in on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable


class Places:
    """Places for anybody, ``most`` for each; what nobody holds is not remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[Hashable] = Counter()

    def take(self, who: Hashable) -> bool:
        """Hold one more, unless they hold as many as they may."""
        if self._held[who] >= self._most:
            return False
        self._held[who] += 1
        return True

    def give_back(self, who: Hashable) -> None:
        """Hold one less than was taken."""
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
