"""Tests of mcu.media.sound.samples."""
