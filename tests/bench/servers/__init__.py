"""The servers that the gateway is measured against: the floor (raw) and the usual way (stock)."""
