"""Command line, settings and the composition root. Nothing imports this package."""
