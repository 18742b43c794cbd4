"""The least that a function with boto3 does: make its client, and answer with one object."""

import os

import boto3

client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])


def handler(event: dict[str, str], context: object) -> dict[str, object]:
    """The body of the object that the path names."""
    del context
    key = f"projects/{event['rawPath'].split('/')[2]}.json"
    body = client.get_object(Bucket=os.environ["BUCKET"], Key=key)["Body"].read()
    return {"statusCode": 200, "body": body.decode()}
