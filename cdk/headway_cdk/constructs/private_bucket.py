"""A bucket that nobody outside the account reads, and that stays when its stack goes."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headway_cdk.nag import acknowledge


def private_bucket(scope: Construct, construct_id: str, *, expires_s: int | None = None) -> s3.Bucket:
    """Make one; what is in it is deleted after so many seconds, or stays."""
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.seconds(expires_s))] if expires_s else None,
        removal_policy=RemovalPolicy.RETAIN,
    )
    acknowledge(bucket, "AwsSolutions-S1", "Private, read by functions and authors; CloudTrail logs who does.")
    return bucket
