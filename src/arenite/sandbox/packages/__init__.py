"""Packages for boxes: pure wheels, out of a folder or named by a lock file, laid out in memory.

packages    `Packages`: chosen, checked against each other, laid out
lock        what a lock file names
fetching    wheels that are named but not there
wheel       one wheel, which may be anybody's
target      the Python that they are for
"""
