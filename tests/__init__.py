"""Tests; folders mirror the sources."""
