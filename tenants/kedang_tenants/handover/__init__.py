"""Handover (离职交接): whoever leaves leaves everything behind, in hands that know of it (A12)."""
