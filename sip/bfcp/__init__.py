"""Floor control: the Binary Floor Control Protocol (RFC 8855), both roles, without I/O."""
