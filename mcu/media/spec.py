"""Desired state of a media worker: everything it must do, as values that survive a trip over a socket.

The control side keeps one ``ConferenceSpec`` per conference and sends the whole of it on every change; a worker makes
it so. A fresh worker that is given the same description binds the same ports and goes on.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

VideoCodecName = Literal["H264", "VP8", "H263-2000", "H263-1998", "H263", "H261"]
AudioCodecName = Literal["opus", "G722", "PCMA", "PCMU", "G7221", "G729", "iLBC", "MP4A-LATM", "mpeg4-generic"]


class Model(BaseModel):
    """Frozen and strict about names: a field that one side does not know is an error, not a silence.

    Infinities and NaN survive the trip: a measured value that went wrong must not cost the link.
    """

    # An error must not show the keys of a leg, so none shows what it was given.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", hide_input_in_errors=True)


class Address(Model):
    """An IP address (never a host name) and a UDP port."""

    host: str
    port: Annotated[int, Field(ge=0, le=65535)]


class CodecSpec(Model):
    """One payload type of an m-line as negotiated (RFC 8866 rtpmap and fmtp). ``clock_rate`` is that of RTP in Hz."""

    name: VideoCodecName | AudioCodecName
    payload_type: Annotated[int, Field(ge=0, le=127)]
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = {}


class AudioSpec(Model):
    """Sound of a leg. Directions are seen from us: ``send`` means that the leg gets the mix.

    ``receive_codecs`` lists every payload type the peer may use; ``send_codec`` the one that we use. ``mid_id`` is the
    number of the RTP header extension that carries the mid (RFC 8843 section 15.2), if negotiated, ``level_id`` of the
    one that tells how loud the sound in a packet is (RFC 6464), ``transport_sequence_id`` of the one that counts all
    packets of a transport (transport-wide congestion control). ``redundancy`` is the payload type of packets that
    carry frames of earlier ones as well (RED, RFC 2198), both ways.
    """

    send: bool = True
    receive: bool = True
    send_codec: CodecSpec
    receive_codecs: tuple[CodecSpec, ...]
    dtmf_payload_type: int | None = None
    dtmf_clock_rate: int = 8000
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    mid: str | None = None
    mid_id: int | None = None
    level_id: int | None = None
    transport_sequence_id: int | None = None
    redundancy: int | None = None
    packet_ms: int = 20
    reduced_size_rtcp: bool = False


class RepairSpec(Model):
    """Forward error correction of a picture, both ways: packets that repair others.

    FlexFEC (draft-ietf-payload-flexible-fec-scheme-03) goes under an SSRC of its own, ours is ``ssrc``. ULPFEC (RFC
    5109) goes among the picture's packets, and all of them are in RED (RFC 2198) then, of payload type ``red``.
    ``single``: the peer mends one loss of a repair packet at a time, and is not known to do better.
    """

    form: Literal["flexfec-03", "ulpfec"]
    payload_type: Annotated[int, Field(ge=0, le=127)]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = None
    red: Annotated[int, Field(ge=0, le=127)] | None = None
    single: bool = False


class VideoSpec(Model):
    """Picture of a leg.

    ``max_*`` is what the peer can take (RFC 6184 section 8.1, RFC 3890): pixels, frames/s, bit/s. With
    ``reduced_size_rtcp`` feedback may go out without a report before it (RFC 5506).

    ``rids`` are the peer's encodings of the same picture, the smallest first (RFC 8853), told apart by the RTP header
    extensions ``rid_id`` and, for repetitions, ``repaired_rid_id`` (RFC 8852). ``repeats`` gives for each payload type
    the one that repeats its packets (RTX, RFC 4588), both ways; ours go out under ``rtx_ssrc``.
    ``transport_sequence_id``: see ``AudioSpec``. ``repair`` is how its packets are protected against loss.
    """

    send: bool = True
    receive: bool = True
    send_codec: CodecSpec
    receive_codecs: tuple[CodecSpec, ...]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    rtx_ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = None
    repeats: dict[int, int] = {}
    rids: tuple[str, ...] = ()
    rid_id: int | None = None
    repaired_rid_id: int | None = None
    mid: str | None = None
    mid_id: int | None = None
    abs_send_time_id: int | None = None
    transport_sequence_id: int | None = None
    max_width: int = 1920
    max_height: int = 1080
    max_frame_rate: int = 30
    max_bitrate: int = 4_000_000
    feedback: frozenset[Literal["nack", "pli", "fir", "remb"]] = frozenset()
    repair: RepairSpec | None = None
    reduced_size_rtcp: bool = False


class CameraSpec(Model):
    """Far-end camera control of a leg: H.224 frames in RTP (RFC 4573), with H.281 in them, both ways."""

    payload_type: Annotated[int, Field(ge=0, le=127)]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    send: bool = True
    receive: bool = True


Direction = Literal[-1, 0, 1]


class CameraRequest(Model):
    """What is asked of a camera (ITU-T H.281). Presets are numbered from 0 to 15.

    Directions of a move: ``pan`` 1 is right, ``tilt`` 1 up, ``zoom`` 1 in, ``focus`` 1 in. It goes on for ``seconds``,
    without them until a stop. ``source`` is the room that asks, None for anybody else: two hands on one camera are told
    apart by it.
    """

    action: Literal["move", "stop", "activate_preset", "store_preset"]
    pan: Direction = 0
    tilt: Direction = 0
    zoom: Direction = 0
    focus: Direction = 0
    seconds: Annotated[float, Field(gt=0)] | None = None
    preset: Annotated[int, Field(ge=0, le=15)] = 0
    source: str | None = None


SuiteName = Literal["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"]


class SdesKeys(Model):
    """SRTP with keys from the descriptions (RFC 4568): base64 of master key and salt, ``local`` for what we send.

    ``rtcp_*`` are there where RTCP has keys of its own, as it has after DTLS on a port of its own. ``local_mki`` and
    ``remote_mki`` are the master key identifiers, in hex, that the packets each way carry (RFC 3711 section 3.1).
    """

    kind: Literal["sdes"] = "sdes"
    suite: SuiteName
    local: Annotated[str, Field(repr=False)]
    remote: Annotated[str, Field(repr=False)]
    rtcp_local: Annotated[str | None, Field(repr=False)] = None
    rtcp_remote: Annotated[str | None, Field(repr=False)] = None
    local_mki: str = Field("", pattern="^([0-9a-f]{2}){0,128}$")
    remote_mki: str = Field("", pattern="^([0-9a-f]{2}){0,128}$")


class DtlsKeys(Model):
    """DTLS-SRTP (RFC 5763) with the worker's certificate; ``fingerprints`` are the peer's, as (algorithm, value)."""

    kind: Literal["dtls"] = "dtls"
    fingerprints: tuple[tuple[str, str], ...]
    role: Literal["server", "client"]


StreamSecurity = Annotated[SdesKeys | DtlsKeys, Field(discriminator="kind")]


class IceSpec(Model):
    """ICE-lite on the ports of one m-line (RFC 8445 section 2.5)."""

    local_ufrag: str
    local_password: Annotated[str, Field(repr=False)]
    remote_ufrag: str


Line = Literal["audio", "video", "content", "camera"]


class PlainTransport(Model):
    """RTP over UDP as SIP rooms use it. RTCP goes to the RTP port + 1 unless ``rtcp_mux`` (RFC 5761).

    ``*_remote`` is what the peer's SDP says; with ``symmetric`` the worker answers to where packets come from
    (RFC 4961), latched once per stream. A port of 0 means that the leg has no such stream. ``content_*`` is the second
    picture, that of shared slides, ``camera_*`` far-end camera control. ``security`` and ``ice`` are by m-line; what
    is not in ``security`` goes in the clear.
    """

    kind: Literal["rtp"] = "rtp"
    local_host: str
    audio_port: int = 0
    video_port: int = 0
    audio_remote: Address | None = None
    video_remote: Address | None = None
    content_port: int = 0
    content_remote: Address | None = None
    camera_port: int = 0
    camera_remote: Address | None = None
    rtcp_mux: bool = False
    symmetric: bool = True
    security: dict[Line, StreamSecurity] = {}
    ice: dict[Line, IceSpec] = {}


class WebRtcTransport(Model):
    """ICE-lite, DTLS-SRTP, everything bundled on the worker's one browser port (RFC 8445, 8842, 8843).

    Credentials never show in a ``repr``. ``fingerprints`` are the peer's, as (algorithm, value). Descriptions of one
    ``association`` share keys and streams, and differ at most in credentials: the browser has restarted ICE.
    """

    kind: Literal["webrtc"] = "webrtc"
    local_ufrag: str
    local_password: Annotated[str, Field(repr=False)]
    remote_ufrag: str
    remote_password: Annotated[str, Field(repr=False)]
    fingerprints: tuple[tuple[str, str], ...]
    dtls_role: Literal["server", "client"] = "server"
    association: str = ""

    def goes_on_as(self, other: object) -> bool:
        """Whether both are of one association."""
        return isinstance(other, WebRtcTransport) and (
            self == other or (self.association != "" and self._identity == other._identity)
        )

    @property
    def _identity(self) -> tuple[str, tuple[tuple[str, str], ...], str]:
        return self.association, self.fingerprints, self.dtls_role


class CellSpec(Model):
    """A tile's place in fractions of the picture, origin top left."""

    left: Annotated[float, Field(ge=0, lt=1)]
    top: Annotated[float, Field(ge=0, lt=1)]
    width: Annotated[float, Field(gt=0, le=1)]
    height: Annotated[float, Field(gt=0, le=1)]


class LayoutSpec(Model):
    """A layout that is not in the catalogue. The first cell is the most prominent; later ones lie over earlier ones."""

    name: str
    cells: tuple[CellSpec, ...]


SeatingMode = Literal["order", "voice", "polling", "lecture"]


class SeatingSpec(Model):
    """Who sits where in a picture of several people. Pins (tile number from 0 to leg) hold in every mode.

    ``order``: by ``priority`` of the legs, then as they joined; who speaks gets the last tile where there are fewer
    tiles than people. ``voice``: who speaks gets the first tile once it has spoken for ``switch_after`` seconds, and
    keeps it for ``hold`` seconds at least. ``polling``: the tiles go on to the next people every ``interval`` seconds.
    ``lecture``: all others see the leg ``lecturer`` alone, who sees them in turn, the next every ``interval`` seconds.
    """

    mode: SeatingMode = "order"
    switch_after: Annotated[float, Field(ge=0)] = 1.0
    hold: Annotated[float, Field(ge=0)] = 3.0
    interval: Annotated[float, Field(gt=0)] = 10.0
    lecturer: str | None = None
    pins: dict[int, str] = {}
    show_without_video: bool = True


Corner = Literal["top_left", "top_right", "bottom_left", "bottom_right"]


class DecorationSpec(Model):
    """What is drawn over the picture. Texts may be Chinese; an empty one is not there.

    ``banner`` is a fixed line across the top, ``caption`` one across the bottom that scrolls when ``scroll``.
    ``watermark`` is repeated faintly over everything. ``logo`` is a picture file (PNG with transparency).
    ``fill``: sources are shown whole with bars, or cropped to fill their tiles. ``clock`` shows date and time in
    ``time_zone`` (IANA name; None: the server's).
    """

    names: bool = True
    signs: bool = True
    speaker_frame: bool = True
    banner: str = ""
    caption: str = ""
    scroll: bool = True
    watermark: str = ""
    logo: str | None = None
    logo_corner: Corner = "top_right"
    clock: bool = False
    clock_corner: Corner = "top_left"
    time_zone: str | None = None
    fill: Literal["fit", "crop"] = "fit"


class ProcessingSpec(Model):
    """What is done to a conference's sound: levels evened, noise taken away, a tone when somebody comes or goes."""

    level: bool = False
    denoise: bool = False
    tones: bool = False


class SentNumbers(Model):
    """How far an SSRC of ours had come: the next sequence number with the roll-overs before it, the last SRTCP index.

    ``picture`` is the next picture id, where a payload format has such (RFC 7741 section 4.2).
    """

    sequence: Annotated[int, Field(ge=0, lt=1 << 48)]
    rtcp_index: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    picture: int | None = None


class HeardNumbers(Model):
    """How far an SSRC of the peer's had come; ``highest`` is None before any RTP. See ``packets.Srtp.sources``."""

    rollovers: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    highest: Annotated[int, Field(ge=0, lt=1 << 16)] | None = None
    rtcp_index: Annotated[int, Field(ge=0, lt=1 << 31)] = 0


Path = Literal["audio", "video", "content", "camera", "bundle"]
"""What has keys of its own: an m-line of a room, or everything of a browser."""


class PathNumbers(Model):
    """Numbers of one path by SSRC, counted under the keys that ``protection`` tells apart from others ("": none)."""

    protection: str = ""
    ssrc: int | None = None
    sent: dict[int, SentNumbers] = {}
    heard: dict[int, HeardNumbers] = {}


class HeardPicture(Model):
    """A picture that a browser sends, or one encoding of it, ``layer`` counting from the smallest (``VideoSpec.rids``).

    Packets say which it is only at the beginning. ``rtx_ssrc`` is where it repeats them, 0 for not yet known.
    """

    ssrc: int
    media: Literal["video", "content"]
    layer: Annotated[int, Field(ge=0, le=15)]
    payload_type: Annotated[int, Field(ge=0, le=127)]
    rtx_ssrc: int = 0


class LegNumbers(Model):
    """How far the streams of a leg had come, and which addresses of a browser had proved themselves by then.

    ``transport_sequence`` is the transport-wide number of the next packet to a browser.
    """

    paths: dict[Path, PathNumbers] = {}
    pictures: tuple[HeardPicture, ...] = ()
    addresses: tuple[Address, ...] = ()
    selected: Address | None = None
    transport_sequence: int | None = None


class Continuation(Model):
    """Where the streams of a leg begin. Sequence numbers and timestamps follow from ``seed`` and their SSRC.

    ``numbers`` are what was last heard of the worker that had the leg before; since then it has sent more, and so may
    ``ahead - 1`` others that have not been heard of. ``keys`` are what a browser's handshake gave.
    """

    seed: Annotated[int, Field(repr=False)]
    ahead: int = 0
    numbers: LegNumbers | None = None
    keys: Annotated[SdesKeys | None, Field(repr=False)] = None


ContentChoice = Literal["auto", "tile", "swap"]


class LegSpec(Model):
    """One leg: a room, a browser. ``name`` is what its tile shows.

    ``content`` is its second picture (RFC 4796 "slides"); a leg without gets what is shared inside its main picture.
    ``picture_bitrate`` is the most that both may take together, bit/s; None: each as much as it may alone.
    ``receive_bitrate`` is the most that it is to send of them, told where REMB was agreed; None: as usual.

    What it sees: ``layout`` instead of the conference's (None), or only the leg ``watch`` instead of all (None).
    ``notice`` is a line of text over its picture, drawn where nobody else sees the same picture. ``camera`` is far-end
    camera control. With ``hide_self`` it does not see itself; ``seating`` is who sits where in a picture of its own.
    ``content_choice``: what is shared comes as a second picture where there is one ("auto"), in a tile like a person's
    ("tile"), or changes places with the people ("swap": the second picture shows them).

    ``slots`` are places for pictures of others as they are, not composed. With ``forwarded`` they are used: each shows
    one browser, and the main picture those alone whom no slot can show. ``shared`` is such a place for what a browser
    shares, which is used whenever it can be. ``voices`` are such places for sound, the one beside a slot in time with
    it. With ``forwarded_sound`` they are used, for the loudest, and the mix is of those alone whom none can carry.

    How it is seen and heard: ``hidden`` in nobody's picture; with ``priority`` before those of less; ``gain`` in dB on
    its sound; ``music``: its sound is left as it is (stethoscopes, monitors). ``listen_gain`` in dB: on what it hears.

    ``continuation`` is where its streams begin, for the worker that opens it; whoever keeps the workers fills it in.
    """

    id: str
    name: str
    transport: Annotated[PlainTransport | WebRtcTransport, Field(discriminator="kind")]
    audio: AudioSpec | None = None
    video: VideoSpec | None = None
    content: VideoSpec | None = None
    picture_bitrate: int | None = None
    receive_bitrate: int | None = None
    microphone_muted: bool = False
    speaker_muted: bool = False
    camera_muted: bool = False
    held: bool = False
    layout: str | None = None
    watch: str | None = None
    notice: str | None = None
    camera: CameraSpec | None = None
    hide_self: bool = False
    seating: SeatingSpec | None = None
    content_choice: ContentChoice = "auto"
    hidden: bool = False
    priority: int = 0
    gain: Annotated[float, Field(ge=-60, le=20)] = 0.0
    listen_gain: Annotated[float, Field(ge=-60, le=20)] = 0.0
    music: bool = False
    slots: tuple[VideoSpec, ...] = ()
    forwarded: bool = False
    shared: VideoSpec | None = None
    voices: tuple[AudioSpec, ...] = ()
    forwarded_sound: bool = False
    continuation: Continuation | None = None


Pixels = Annotated[int, Field(ge=0, le=8192)]


class Tiles(Model):
    """How large a browser shows what comes in its slots: width and height in pixels of its screen; 0: not at all.

    ``people`` by the leg in the slot, ``shared`` what is shared. Of whom nothing is said that is as usual. With
    ``hidden`` nothing is to be seen: another window is in front.
    """

    people: dict[str, tuple[Pixels, Pixels]] = {}
    shared: tuple[Pixels, Pixels] | None = None
    hidden: bool = False


class RecordingSpec(Model):
    """A recording to write below ``directory`` (see ``recorder.layout``), from the rung of this size and rate."""

    id: str
    directory: str
    width: int = 1920
    height: int = 1080
    frame_rate: int = 30
    bitrate: int = 3_000_000


class PageSpec(Model):
    """Text that fills the picture instead of tiles. ``code`` is shown large: a number being typed, or to remember."""

    title: str = ""
    lines: tuple[str, ...] = ()
    code: str = ""


class AnnouncementSpec(Model):
    """Sound files (WAV, 16 bits) that all legs hear once, one after the other.

    A worker plays them when ``number`` is another than that of the last one it was told; no announcement at all is
    silence at once.
    """

    number: int
    files: tuple[str, ...]


class ConferenceSpec(Model):
    """The whole description of one conference's media. ``layout`` is a name of the ``layouts`` catalogue or "auto".

    ``revision`` grows by one with every change, so that a late acknowledgement is known for what it is.
    ``legs`` stand in order of joining, which is the order of the tiles. ``content_from`` is the leg that shares now.
    ``watch`` is the leg that everybody sees alone who has no view of its own, and that is recorded; None for all.
    ``layouts`` are those that are not in the catalogue; their names come before the catalogue's.
    """

    id: str
    revision: int
    layout: str = "auto"
    watch: str | None = None
    width: int = 1920
    height: int = 1080
    frame_rate: int = 30
    bitrate: int = 3_000_000
    legs: tuple[LegSpec, ...] = ()
    content_from: str | None = None
    recordings: tuple[RecordingSpec, ...] = ()
    page: PageSpec | None = None
    announcement: AnnouncementSpec | None = None
    layouts: tuple[LayoutSpec, ...] = ()
    seating: SeatingSpec = SeatingSpec()
    decoration: DecorationSpec = DecorationSpec()
    processing: ProcessingSpec = ProcessingSpec()


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
