"""Clinical workflows as plug-ins around a session."""
