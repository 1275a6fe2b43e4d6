"""Bulk operations: a question answered into a file, and a file of inputs turned into records (I1)."""
