"""Tests of mcu.media.picture."""
