"""The media worker: desired state in, facts and pictures out."""
