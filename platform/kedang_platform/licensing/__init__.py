"""What a company has paid for, and what is free for ever."""

from kedang_platform.licensing.seats import SeatRequired, Seats, hold_seats, require_seat, seats_of, subscribe

__all__ = ["SeatRequired", "Seats", "hold_seats", "require_seat", "seats_of", "subscribe"]
