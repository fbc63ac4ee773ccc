"""The command `arenite`: one module per sub-command, `app` puts them together, `ending` says what an exit code means."""
