"""The CDK app: the lane of the mail API, the machine, and an intake before it."""

from headway_cdk.app import ProjectApp
from intake import Intake, begin_each

project = ProjectApp()
project.give("intake", Intake(project.resources, "Intake").queue)
begin_each(project.workflows, "intake", function="begin", machine="notify")
project.synth()
