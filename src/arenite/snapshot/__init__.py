"""Snapshots as files: frozen machines written so that another process, machine or version of arenite can go on from them.

docs/snapshot.md says what each file is for, docs/snapshot-format.md describes the format; which builds on which stands in pyproject.toml.
"""
