"""Adapters to AWS: the only package that imports botocore or boto3."""
