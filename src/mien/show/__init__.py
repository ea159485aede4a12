"""Shows what was read: marks on pictures and clips, and the timeline of a recording."""
