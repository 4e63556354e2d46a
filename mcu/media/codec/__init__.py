"""Decoders and encoders of pictures and sound, on PyAV."""
