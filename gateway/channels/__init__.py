"""Adapters: one file per kind of provider. They translate and verify, nothing else."""
