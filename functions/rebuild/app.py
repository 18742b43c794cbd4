"""The rebuild function: the states of the rebuild workflow."""

import os

from wheelyard.entry.rebuilding import rebuild_handler

handler = rebuild_handler(os.environ)
