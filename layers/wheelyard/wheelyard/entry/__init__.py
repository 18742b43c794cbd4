"""The ways in: HTTP, Lambda events, the one-machine server, the command line."""
