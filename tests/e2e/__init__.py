"""End-to-end tests with real peers."""
