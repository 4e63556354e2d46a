"""What is seen: layouts, seats, decoration, views of one's own."""
