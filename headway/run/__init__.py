"""Running a workflow over a file of payloads: one Step Functions execution per line, started, watched and reported."""
