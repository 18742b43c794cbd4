"""The admin function: users, by direct invocation."""

import os

from wheelyard.entry.admin import admin_handler

handler = admin_handler(os.environ)
