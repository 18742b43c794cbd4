"""Where everything is kept: the keys, the object store, presigned links."""
