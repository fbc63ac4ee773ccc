"""The readers of meanings: LLVM text for machine code, Python text for the safe tier; and the one place where addresses are formed."""
