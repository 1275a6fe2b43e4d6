"""The shared ground: it knows no feature of the trade and no transport."""
