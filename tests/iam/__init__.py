"""S3 with IAM: what each request asks for, what policies grant, and a front that refuses the rest.

``requests`` knows S3's requests and their actions, ``policies`` decides, ``guard`` stands before a server.
"""
