"""What a name resolves to, and the pages that say so."""
