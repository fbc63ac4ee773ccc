"""A machine as data: frozen, thawed, forked; and first instances, which are mapped."""
