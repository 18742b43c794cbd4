"""The upstream index behind the private one."""
