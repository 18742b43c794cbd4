"""Other indexes' files, users and caches, taken into the store."""
