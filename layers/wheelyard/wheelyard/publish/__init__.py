"""From an upload form to a visible distribution."""
