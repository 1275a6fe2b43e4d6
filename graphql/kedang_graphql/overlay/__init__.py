"""A company's own fields (A4) as types of its own: what the static schema cannot know, laid over it."""
