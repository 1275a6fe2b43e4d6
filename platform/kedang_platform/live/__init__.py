"""Telling gateways what has happened while somebody watches: small messages over Valkey, never values."""

from __future__ import annotations

from kedang_platform.live.events import LiveEvent, LiveUnavailable, unavailable
from kedang_platform.live.listening import Feed
from kedang_platform.live.publishing import Publisher

__all__ = ["Feed", "LiveEvent", "LiveUnavailable", "Publisher", "unavailable"]
