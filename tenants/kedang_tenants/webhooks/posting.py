"""The channel of webhooks: a signed POST to an address, and what its receiver made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.clock import Clock
from kedang_platform.outgoing import AddressRefused, Answer, NotReachable, OutgoingClient, UrlRefused, wait_of
from kedang_tenants.webhooks.signing import signed_headers

GONE: Final = 410
_LATER: Final = frozenset({429, 503})
_HEADERS: Final = {"content-type": "application/json", "user-agent": "Kedang-Webhooks/1"}


@dataclass(frozen=True, slots=True)
class Post:
    """What is told where, signed with each of the ``secrets``, the newest first."""

    url: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered(Delivery):
    """What came of a post: the status of the answer, or as ``detail`` the code of why there was none."""

    status: int | None = None
    milliseconds: int | None = None


class WebhookChannel:
    """Posts by the client that calls no address inside our own network."""

    def __init__(self, outgoing: OutgoingClient, *, clock: Clock) -> None:
        self._outgoing = outgoing
        self._clock = clock

    async def send(self, message: Post, /, *, key: str) -> Answered:
        """``kedang_platform.channel``: 2xx is accepted, 410 rejected; every other answer may be another one later.

        The key is the ``webhook-id``, by which a receiver knows what it has had already; without an answer
        nobody knows whether it has.
        """
        signed = signed_headers(message.secrets, message_id=key, at=self._clock.now(), body=message.body)
        try:
            answer = await self._outgoing.post(message.url, body=message.body, headers={**signed, **_HEADERS})
        except (UrlRefused, AddressRefused) as error:
            return Answered(Outcome.RETRY, error.code)  # an operator may allow the address meanwhile
        except NotReachable as error:
            return Answered(Outcome.UNKNOWN, error.code)
        return self._answered(answer)

    def _answered(self, answer: Answer) -> Answered:
        wait = wait_of(answer.retry_after, now=self._clock.now()) if answer.status in _LATER else None
        return Answered(
            _outcome(answer.status), retry_after=wait, status=answer.status, milliseconds=answer.milliseconds
        )


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    return Outcome.REJECTED if status == GONE else Outcome.RETRY
