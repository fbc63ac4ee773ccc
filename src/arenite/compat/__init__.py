"""What is here for programs written for other engines, and means nothing of its own.  One file for each engine."""
