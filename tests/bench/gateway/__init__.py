"""The gateway beside PostGraphile, without its wall, with 1,000 companies, and writing (make bench-gateway)."""
