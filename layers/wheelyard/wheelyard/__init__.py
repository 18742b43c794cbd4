"""Wheelyard: a private Python package index on AWS Lambda, S3 and Step Functions.

The folders are named for what the data meets on its way; imports point one way only, downwards:

``entry``      the ways in: Lambda events, the one-machine server, the command line
``client``     what runs on people's machines: asking a stack, signing in
``management``  deleting, yanking, status, lists: what those do who keep the index
``transfer``   static exports, and the import of other indexes
``publish``    a form becomes a checked distribution, is stored, then visible
``index``      what a name resolves to, and the pages that say so
``mirror``     the upstream index behind the private one
``access``     who is asking, and what they may do
``audit``      who did what to which file
``storage``    keys, the object store, presigned links
``protocol``   names, the model and its JSON and HTML forms; no I/O, no clock, no environment

``settings``, ``errors`` and ``metrics`` are used by all of them.
"""

__version__ = "0.1.0"
