"""The packet code in plain Python: what the compiled code is compared with, and where to read what it does."""
