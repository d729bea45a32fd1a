"""The report of a run: what happened to every call becomes one HTML file that needs nothing else."""
