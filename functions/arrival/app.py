"""The arrival function: lists what other tools put into the bucket."""

import os

from wheelyard.entry.arriving import arrival_handler

handler = arrival_handler(os.environ)
