"""A real SIP room: baresip, playing a clip and a sound file, dumping what it hears and taking pictures of what it sees.

baresip 1.0.0 needs care: its player must have a clock, which a JACK server without hardware gives; its reader of
video files crashes on files with sound, and pauses for seconds before it starts a file anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt

JACK_RATE = 48_000
START_TIMEOUT = 15.0
COMMAND_TIMEOUT = 10.0


class BaresipError(Exception):
    """baresip did not do as told."""


class JackServer:
    """A sound server without hardware, as a clock for the players of any number of baresips."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> JackServer:
        log = (self._folder / "jack.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            "jackd", "-r", "-n", self.name, "-d", "dummy", "-r", str(JACK_RATE), "-p", "960",
            stdout=asyncio.subprocess.PIPE, stderr=log, stdin=asyncio.subprocess.DEVNULL, env=_environment(self.name),
        )  # fmt: skip
        log.close()
        waiting = await asyncio.create_subprocess_exec(
            "jack_wait", "-s", self.name, "-w", "-t", str(int(START_TIMEOUT)),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        if await waiting.wait() != 0:
            raise BaresipError("jackd did not start")
        return self

    async def __aexit__(self, *_: object) -> None:
        await _terminate(self._process)


class BaresipRoom:
    """``async with BaresipRoom(...) as room``; then ``await room.dial(uri)`` and so on."""

    def __init__(
        self,
        folder: Path,
        jack: JackServer,
        *,
        name: str,
        control_port: int,
        video: Path | None,
        sound: Path,
        audio_codec: str = "opus/48000/2",
        transport: str = "udp",
        sip_port: int = 0,
        answers: bool = False,
        registers: tuple[str, str, int] | None = None,
        encryption: str = "",
        ice: bool = False,
        video_codec: str = "h264",
        video_size: str = "1280x720",
        tls_files: tuple[Path, Path] | None = None,
    ) -> None:
        """``registers``: user, password and port of the registrar on this machine.

        ``tls_files``: its own certificate with key in one PEM file, and the authorities it believes; for TLS.

        ``encryption`` is baresip's mediaenc: "srtp" (beneath RTP/AVP), "srtp-mand" (RTP/SAVP), "dtls_srtp".
        """
        self.folder = folder
        self.name = name
        self._jack = jack
        self._control_port = control_port
        self._sip_port, self._answers = sip_port, answers
        self._registers = registers
        self._tls_files = tls_files
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._responses: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._event = asyncio.Condition()
        self.events: list[dict[str, object]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._video_codec, self._video_size = video_codec, video_size
        self._configure(video, sound, audio_codec, transport, encryption, ice)

    def _configure(
        self, video: Path | None, sound: Path, audio_codec: str, transport: str, encryption: str, ice: bool
    ) -> None:
        modules = ["opus", "g722", "g711", "sndfile", "aufile", "jack", "avcodec", "avformat", "fakevideo", "snapshot"]
        modules += ["srtp", "dtls_srtp"] if encryption else []
        modules += ["ice"] if ice else []
        lines = {
            "poll_method": "epoll",
            "sip_listen": f"127.0.0.1:{self._sip_port}",
            "call_local_timeout": "120",
            "rtp_ports": "31100-32700",  # its own range holds the ports that tests take (see ``ports``)
            "module_path": "/usr/lib/baresip/modules",
            "audio_source": f"aufile,{sound}",
            "audio_player": f"jack,{self.name}",
            "audio_alert": f"jack,{self.name}",
            "ausrc_srate": str(JACK_RATE),
            "auplay_srate": str(JACK_RATE),
            "ausrc_channels": "1",
            "auplay_channels": "1",
            "auplay_format": "float",
            "video_source": f"avformat,{video}" if video else "fakevideo,nil",
            "video_display": "fakevideo,nil",
            "video_size": self._video_size,
            "video_bitrate": "1500000",
            "video_fps": "25",
            "jitter_buffer_delay": "5-10",
            "snd_path": str(self.folder),
            "net_interface": "127.0.0.1",
            "ctrl_tcp_listen": f"127.0.0.1:{self._control_port}",
        }
        if self._tls_files is not None:
            lines |= {"sip_certificate": str(self._tls_files[0]), "sip_cafile": str(self._tls_files[1])}
        text = "".join(f"{key}\t{value}\n" for key, value in lines.items())
        text += "".join(f"module\t{module}.so\n" for module in modules)
        text += "".join(f"module_tmp\t{module}.so\n" for module in ("uuid", "account"))
        text += "".join(f"module_app\t{module}.so\n" for module in ("menu", "ctrl_tcp"))
        (self.folder / "config").write_text(text)
        account = f'"{self.name}" <sip:{self.name.replace(" ", "").lower()}@127.0.0.1;transport={transport}>'
        registering = "regint=0"
        if self._registers is not None:
            user, password, port = self._registers
            account = f'"{self.name}" <sip:{user}@127.0.0.1:{port};transport={transport}>'
            registering = f"auth_user={user};auth_pass={password};regint=60"
        mode = ";answermode=auto" if self._answers else ""
        security = (f";mediaenc={encryption}" if encryption else "") + (";medianat=ice" if ice else "")
        (self.folder / "accounts").write_text(
            f"{account};{registering};audio_codecs={audio_codec};video_codecs={self._video_codec}{mode}{security}\n"
        )
        (self.folder / "contacts").touch()

    async def __aenter__(self) -> BaresipRoom:
        with (self.folder / "baresip.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                "baresip", "-f", str(self.folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT, cwd=self.folder,
                env=_environment(self._jack.name),
            )  # fmt: skip
        async with asyncio.timeout(START_TIMEOUT):
            while self._writer is None:
                try:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control_port)
                except ConnectionRefusedError:
                    if self._process.returncode is not None:
                        raise BaresipError(self.log()) from None
                    await asyncio.sleep(0.1)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        await _terminate(self._process)

    def log(self) -> str:
        return (self.folder / "baresip.log").read_text("utf-8", "replace")

    async def dial(self, uri: str) -> None:
        """Call and wait until it is answered."""
        await self.command("dial", uri)
        event = await self.wait_for("CALL_ESTABLISHED", "CALL_CLOSED")
        if event["type"] != "CALL_ESTABLISHED":
            raise BaresipError(f"the call failed: {event.get('param')}")

    async def hang_up(self) -> None:
        """BYE."""
        await self.command("hangup")
        await self.wait_for("CALL_CLOSED")

    async def snapshot(self, path: Path) -> None:
        """Write the picture that is received now as PNG; it comes with the next one that is decoded."""
        path.unlink(missing_ok=True)
        await self.command("snapshot_recv", str(path))
        async with asyncio.timeout(COMMAND_TIMEOUT):
            while not path.exists() or not path.read_bytes().endswith(b"IEND\xaeB`\x82"):
                await asyncio.sleep(0.05)

    def heard(self) -> npt.NDArray[np.float32]:
        """All that was received so far: mono, 48 kHz, full scale ±1."""
        files = sorted(self.folder.glob("dump-*-dec.wav"))
        if not files:
            raise BaresipError("nothing was heard yet")
        return read_growing_wave(files[-1])

    async def command(self, name: str, parameters: str = "") -> str:
        """Give a command; returns baresip's answer."""
        assert self._writer is not None
        message = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))
        response = await asyncio.wait_for(self._responses.get(), COMMAND_TIMEOUT)
        if not response.get("ok"):
            raise BaresipError(f"{name}: {response.get('data')}")
        return str(response.get("data", ""))

    async def wait_for(self, *types: str, seconds: float = COMMAND_TIMEOUT) -> dict[str, object]:
        """The next event of one of these types that has not been waited for."""
        async with asyncio.timeout(seconds), self._event:
            while True:
                for index, event in enumerate(self.events):
                    if event.get("type") in types:
                        return self.events.pop(index)
                await self._event.wait()

    async def _read(self) -> None:
        assert self._reader is not None
        while True:
            try:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if message.get("response"):
                self._responses.put_nowait(message)
            else:
                async with self._event:
                    self.events.append(message)
                    self._event.notify_all()


def read_growing_wave(path: Path) -> npt.NDArray[np.float32]:
    """Samples of a 16-bit WAV file whose lengths are not written yet, folded to mono, brought to 48 kHz.

    Each sample is repeated; what that adds lies far above the tones that tests look for.
    """
    data = path.read_bytes()
    start = data.index(b"data") + 8
    channels, rate = int.from_bytes(data[22:24], "little"), int.from_bytes(data[24:28], "little")
    samples = np.frombuffer(data[start : len(data) - (len(data) - start) % (2 * channels)], np.int16)
    mono: npt.NDArray[np.float32] = samples.reshape(-1, channels).mean(axis=1).astype(np.float32) / 32768
    return np.repeat(mono, JACK_RATE // rate)


def available() -> bool:
    """Whether the programs are installed."""
    return all(shutil.which(program) for program in ("baresip", "jackd", "jack_wait"))


def _environment(jack_name: str) -> dict[str, str]:
    return os.environ | {"JACK_DEFAULT_SERVER": jack_name, "JACK_NO_AUDIO_RESERVATION": "1"}


async def _terminate(process: asyncio.subprocess.Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()
