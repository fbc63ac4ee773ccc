"""Programs that guests run.  They are read as text; nothing of the host's side imports them."""
