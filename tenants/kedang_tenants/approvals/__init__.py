"""Approvals (审批): the one mechanism by which something waits for somebody else's decision (T11)."""
