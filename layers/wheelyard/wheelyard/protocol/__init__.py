"""The simple repository API as pure functions: no I/O, no clock, no environment."""
