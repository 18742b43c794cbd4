"""Who did what to which file."""
