"""The index as files that any web server can serve."""
