"""The demonstration company: Northwind Traders, built from its CSV files through the public API alone.

It speaks HTTP like any integrator: it signs up, reads its mail, uploads files, starts imports, asks
questions. ``python -m kedang_workers.demo build`` makes it, ``check`` compares it with figures that
are worked out from the CSV files on their own.
"""
