"""How much is done: the small form is for every change, the full one for a quiet hour."""

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """``rounds`` is how often the kills of a dispatch are repeated."""

    name: str
    invitations: int
    fewer: int  # invitations where another fault than killed processes is looked at
    kills: int
    rounds: int
    stops: int
    silence_seconds: float
    backlog: int
    companies: int
    unruly: int  # recipients of each kind of manners of the mail server
    cuts: int
    beats_seconds: float
    disk_megabytes: int


SMALL = Form(
    name="small",
    invitations=1_000,
    fewer=200,
    kills=3,
    rounds=1,
    stops=4,
    silence_seconds=6,
    backlog=5_000,
    companies=12,
    unruly=2,
    cuts=3,
    beats_seconds=18,
    disk_megabytes=700,
)
FULL = Form(
    name="full",
    invitations=10_000,
    fewer=1_000,
    kills=5,
    rounds=3,
    stops=20,
    silence_seconds=30,
    backlog=100_000,
    companies=200,
    unruly=20,
    cuts=30,
    beats_seconds=120,
    disk_megabytes=4_000,
)
SMALL_COMPANIES = 20


def form() -> Form:
    """As ``KEDANG_FAULTS`` says: small, unless it says full."""
    return FULL if os.environ.get("KEDANG_FAULTS") == "full" else SMALL


def seed() -> int:
    """The number that all chance comes from: ``KEDANG_FAULTS_SEED``, or another one each time."""
    given = os.environ.get("KEDANG_FAULTS_SEED")
    return int(given) if given else random.SystemRandom().randrange(10**6)
