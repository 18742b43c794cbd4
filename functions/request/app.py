"""The request function: answers the index's readers."""

import os

from wheelyard.entry.functions import http_handler

handler = http_handler(os.environ, uploads=False)
