"""Pictures of browsers sent on to browsers as they are: who is shown in which slot and layer, and the feedback."""
