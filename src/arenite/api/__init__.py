"""What users hold.  `arenite` exports what is public of it, with errors and WASI's options; beside that there is `arenite.driver`."""
