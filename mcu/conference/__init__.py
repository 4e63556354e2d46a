"""The conference model: participants, roles, commands, policy. No I/O."""
