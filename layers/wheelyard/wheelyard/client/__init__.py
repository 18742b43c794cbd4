"""What runs on people's machines: asking a deployed stack, signing in, and the clients' configuration."""
