"""The edge function: guards a static export behind CloudFront."""

import json
import os
from pathlib import Path

from wheelyard.entry.edge import edge_handler

handler = edge_handler(
    json.loads(Path(__file__).with_name("configuration.json").read_text()), os.environ
)
