"""A company takes everything along, comes with everything, or goes for good (T7)."""
