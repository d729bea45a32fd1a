"""The CDK app: the lanes of both vendors, the machine, and the queue that the order management reads."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from headway_cdk.app import ProjectApp
from headway_cdk.nag import acknowledge

project = ProjectApp()
dead_letters = sqs.Queue(
    project.resources, "DeadLetters", fifo=True, enforce_ssl=True, removal_policy=RemovalPolicy.RETAIN
)
acknowledge(dead_letters, "AwsSolutions-SQS3", "It is the dead-letter queue.")
orders = sqs.Queue(
    project.resources,
    "Orders",
    fifo=True,
    enforce_ssl=True,
    retention_period=Duration.days(14),
    dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5),
    removal_policy=RemovalPolicy.RETAIN,
)
project.give("order_management", orders)
project.synth()
