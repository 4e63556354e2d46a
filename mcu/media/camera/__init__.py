"""Far-end camera control: H.224 frames with H.281 in them (RFC 4573). Pure."""
