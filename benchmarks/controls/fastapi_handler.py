"""The usual way: FastAPI behind Mangum, and boto3 for the objects."""

import os

import boto3
from fastapi import FastAPI, Response
from mangum import Mangum

app = FastAPI()
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])


@app.get("/simple/{project}/")  # type: ignore[untyped-decorator, unused-ignore]
def page(project: str) -> Response:
    """A project's page."""
    found = client.get_object(Bucket=os.environ["BUCKET"], Key=f"projects/{project}.json")
    return Response(found["Body"].read(), media_type="application/vnd.pypi.simple.v1+json")


handler = Mangum(app, lifespan="off")
