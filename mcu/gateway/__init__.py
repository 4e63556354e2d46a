"""Joins a signalling world to the conference."""
