"""The picture of a conference: sources decoded and scaled, composed on canvases, encoded per rung."""
