"""Benchmarks: one module per claim."""
