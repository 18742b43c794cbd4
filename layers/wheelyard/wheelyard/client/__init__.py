"""What runs on people's machines: uploading, asking a deployed stack, signing in, clients' configuration.

Publishing from a program, with the credentials of an index, by publishing sessions (PEP 694): files of any
size, in parts, and gone on with after a broken connection by calling it again::

    from wheelyard.client.upload import upload
    upload(["dist/acme-1.0.tar.gz", "dist/acme-1.0-py3-none-any.whl"], "https://user:password@index.example/")

With AWS credentials, or on one machine, straight into the store::

    from wheelyard.client.bucket import s3_store
    from wheelyard.client.direct import upload_to_store
    store = s3_store("bucket", "prefix", profile="release", put_args={"StorageClass": "STANDARD_IA"})
    upload_to_store(["dist/acme-1.0.tar.gz"], store)

Both publish the files of a release together or not at all, return what became of each file, and raise
``wheelyard.errors.WheelyardError`` with what a person needs to know. Nothing is imported here, since pip
imports the keyring backend at every start.
"""
