"""The baseline: the same pipeline as a good team would quickly write it.

AWS Lambda Powertools for logging, parsing, batches, parameters and idempotency,
pydantic models throughout, boto3's resource layer, one transaction per event, a
profile item with its identifiers embedded, found by e-mail or phone through global
indexes, and a history kept under the profile, so that a merge moves it. Nothing
here is made slow on purpose: this is what the tutorials of these libraries teach.

A known limit of this shape, which is not charged to it: a profile is found by one
e-mail and one phone only.
"""
