"""What participants do with each other: mutes, chat, floor, cameras, keys."""
