"""Data protection: how long things are kept, and what somebody may know and have forgotten about themselves (T7, T9)."""
