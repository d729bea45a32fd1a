"""The CDK app: a lane for every vendor of `config/appconfig`, and the machines of `workflows`."""

from headway_cdk.app import ProjectApp

ProjectApp().synth()
