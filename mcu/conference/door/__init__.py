"""Coming in: rooms, PINs, admission, capacity."""
