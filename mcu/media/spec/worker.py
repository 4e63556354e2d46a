"""What a worker is started with."""

from __future__ import annotations

from mcu.media.spec.base import Model


class WorkerSettings(Model):
    """What a worker is told once, at its start. The private key is read from disk by the worker itself.

    ``browser_port`` is UDP, ``browser_tcp_port`` for those without; 0: there is none.
    """

    index: int
    browser_host: str
    browser_port: int
    certificate_file: str
    private_key_file: str
    font_file: str
    log_level: str = "INFO"
    browser_tcp_port: int = 0
