"""Carrying out commands: rights, audit, what facts and recordings change."""
