"""The embedded cloud: the same synthesized templates as on AWS, in a process of this machine."""
