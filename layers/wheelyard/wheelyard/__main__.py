"""``python -m wheelyard`` is the command line ``wheelyard``."""

from wheelyard.entry.cli import main

if __name__ == "__main__":
    main()
