"""The sound of a conference: playout, mixing without self, encoding, who speaks."""
