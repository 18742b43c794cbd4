"""The upload function: takes uploads."""

import os

from wheelyard.entry.functions import http_handler

handler = http_handler(os.environ, uploads=True)
