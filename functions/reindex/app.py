"""The reindex workflow's functions: one a state of statemachines/reindex.asl.json."""

import os

from wheelyard.entry.stepping import Steps

handlers = Steps(os.environ).handlers

fetch = handlers["fetch"]
shard = handlers["shard"]
activate = handlers["activate"]
restart = handlers["restart"]
