"""The way by which each kind of work goes, for the relay: it hands work out without loading what does it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kedang_platform.work.channels import Channel, channel_named

_KINDS: Final = {
    "imports": ("bulk.export", "bulk.import", "exports.run", "imports.run"),
    "mail": ("mail.send",),
    "reports": ("reports.run",),
    "surveys": (
        "surveys.cancel_sending",
        "surveys.dispatch",
        "surveys.mail",
        "surveys.maintenance",
        "surveys.send",
    ),
    "webhooks": ("webhooks.deliver",),
}

CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {kind: channel_named(name) for name, kinds in _KINDS.items() for kind in kinds}
)
"""The channel of each kind that has one, as its handler says it."""
