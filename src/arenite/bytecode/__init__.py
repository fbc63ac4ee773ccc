"""The one portable register bytecode: the table of ops with their meanings, its encoding, its text form, its verifier."""
