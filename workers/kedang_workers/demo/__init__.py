"""The demonstration company: Northwind Traders, built from its CSV files through the public interfaces alone.

It speaks HTTP like any integrator, and like the people around it: it signs up, reads its mail, uploads
files, starts imports, asks questions; its customers open the links of their mails and answer, in a
real browser where there is one. ``python -m kedang_workers.demo build`` makes it and lives through a
day with it (``story``), ``check`` compares it with figures that are worked out on their own, from the
CSV files and the story.
"""
