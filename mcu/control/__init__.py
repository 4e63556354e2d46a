"""The HTTP and WebSocket control API, accounts, rights and audit."""
