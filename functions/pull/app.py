"""The pull function: fetches large upstream files into the store."""

import os

from wheelyard.entry.pulling import pull_handler

handler = pull_handler(os.environ)
