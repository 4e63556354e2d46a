"""In-memory stand-ins for the seams."""
