"""What the compiled module offers to Python."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol, overload

class Srtp:
    """One direction of SRTP and SRTCP (RFC 3711, RFC 7714): for sending, or with ``inbound`` for receiving.

    ``suite`` is its name in SDP (RFC 4568, RFC 7714), ``material`` master key and master salt. At most 96 sources
    (SSRCs) are remembered, inbound only those of which a packet has authenticated, the longest silent making room; a
    packet may be up to 1023 behind the newest of its source. Raises ValueError for an unknown suite or a wrong length.

    A method takes whole packets and gives as many results: what could not be done is None there, and counted. Packets
    that were sent before may be protected again, and come out as before. Not for two threads at once (RuntimeError).
    """

    malformed: int
    """Packets that were none, or too long."""
    forged: int
    """Packets that did not authenticate."""
    replayed: int
    """Packets that had been received before, or are too old to tell."""
    exhausted: int
    """Packets not sent since their key has been used as often as it may, or for too many sources."""

    def __init__(self, suite: str, material: bytes, *, inbound: bool) -> None: ...
    def protect_rtp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def protect_rtcp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def unprotect_rtp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def unprotect_rtcp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def sources(self) -> list[tuple[int, int, int | None, int]]:
        """Of each source: SSRC, roll-over count, highest sequence number (None before any RTP), last SRTCP index."""

    def resume(self, ssrc: int, rollovers: int, highest: int | None, rtcp_index: int, /) -> None:
        """Go on where another context stopped. Inbound, what came before counts as received already.

        Without ``highest`` the next packet sets it, within this roll-over count. Raises ValueError out of range.
        """

class FecSender:
    """Repair packets for a stream that is sent: forward error correction by exclusive or.

    ``form`` is "flexfec-03" (draft-ietf-payload-flexible-fec-scheme-03) or "ulpfec" (RFC 5109, level 0). A repair
    packet protects what is new since the last one, and of what was before that half, drawn at random from ``seed``.
    ``mutable`` are the numbers of header extensions that change on the way, at most 4: they count as zero. Raises
    ValueError. For one thread at a time.
    """

    unprotected: int
    """Packets that were none, of another SSRC, or longer than 1500 octets."""

    def __init__(self, form: str, seed: int, mutable: Sequence[int] = ()) -> None: ...
    def protect(self, packets: Sequence[bytes], repairs: int, window: int, /) -> list[bytes]:
        """Take whole RTP packets that go out now; give so many payloads of repair packets for the last ``window``.

        A window is of 46 packets at most, and so many payloads are made at once. ValueError for values out of range.
        """

class FecReceiver:
    """Lost packets of one stream out of repair packets, see ``FecSender``. For one thread at a time (RuntimeError).

    The last 128 numbers of the stream are looked at, and 48 repair packets wait for more. All of them are solved as one
    system of equations. A packet of another SSRC begins everything anew.
    """

    def __init__(self, form: str, mutable: Sequence[int] = ()) -> None: ...
    def received(self, packet: bytes, /) -> list[bytes]:
        """Take a packet of the stream as it came; give packets that are known now though they were lost."""

    def repair(self, payload: bytes, /) -> list[bytes]:
        """Take the payload of a repair packet; give the same."""

    def counters(self) -> tuple[int, int, int, int]:
        """Repair packets taken, packets recovered, repair packets that were of no use, and malformed ones."""

class UdpSocket:
    """Batches of datagrams on a bound, non-blocking UDP socket, which stays its owner's. Raises OSError, ValueError.

    For one thread at a time (RuntimeError for two that receive).
    """

    cut: int
    """Datagrams dropped since they were longer than 2048 octets."""
    segmenting: bool
    """Whether runs of equal length go out as one (UDP GSO); False from the first time the kernel cannot."""

    def __init__(self, fileno: int) -> None: ...
    def receive(self) -> list[tuple[bytes, tuple[str, int]]]:
        """What has come in with its sources, at most 64; empty when there is nothing. Raises OSError."""

    def send(self, packets: Sequence[bytes], address: tuple[str, int], /) -> int:
        """Send to an IP address, in order. Fewer than given are taken when the socket's buffer is full.

        Raises OSError for any other reason, ValueError for an address that is none of the socket's family.
        """

Address = tuple[str, int]

class MediaPort:
    """The port that many peers share, on a bound, non-blocking UDP socket, which stays its owner's.

    Peers are told apart by address and go by a number; their sources (streams they send) and outlets (streams they
    get that are forwarded) by that number and SSRC. What a source sends goes on to its outlets at once, renumbered and
    encrypted for each, and the last 512 packets are kept for who lost one. A number that a peer has left is not given
    out again before all others.

    All calls belong to one thread. KeyError for an unknown peer, source or outlet, ValueError for values out of range
    or one too many: 1024 peers, 8 addresses, 32 sources and 32 outlets each.
    """

    def __init__(self, fileno: int, patience: float = 0.0) -> None:
        """Packets of a picture wait for the rest of it, so many seconds at most, and then go out together; where a
        picture's packets come one by one, only once for each picture, and for less than a third of that."""

    def open_peer(self) -> int: ...
    def close_peer(self, peer: int, /) -> None: ...
    def set_keys(self, peer: int, suite: str, local: bytes, remote: bytes, /) -> None:
        """Keys and salts of SRTP, ``local`` for what goes out; see ``Srtp``."""

    def srtp_numbers(self, peer: int, inbound: bool, /) -> list[tuple[int, int, int | None, int]]:
        """As ``Srtp.sources``, of what the peer sends or of what it gets; empty while it has no keys."""

    def gone_far(self, peer: int, packets: int, /) -> bool:
        """Whether under some SSRC so many packets have gone to the peer, RTP and RTCP together, since ``srtp_numbers``
        told of what it gets."""

    def resume(
        self, peer: int, inbound: bool, ssrc: int, rollovers: int, highest: int | None, rtcp_index: int, /
    ) -> None:
        """As ``Srtp.resume``, with the peer's keys. Raises ValueError while it has none."""

    def set_addresses(self, peer: int, addresses: Sequence[Address], selected: Address | None, /) -> None:
        """Where the peer may send from, and where it gets what is forwarded."""

    def answer_checks(self, peer: int, name: bytes, password: bytes, /) -> None:
        """Connectivity checks of ICE by this user name and password are answered here, and not handed up, if they come
        from an address of the peer's and change nothing: one that nominates must come from where its packets go. An
        empty name: none is answered. Raises ValueError for a name or password longer than 513 and 256 octets."""

    def last_check(self, peer: int, /) -> float:
        """When one was answered here last, in the times that ``receive`` was told; 0.0 for never."""

    def refused(self, peer: int, /) -> int:
        """Packets of the peer's that came without keys, did not authenticate, or had come before."""

    def receive(self, now: float, /) -> list[tuple[int, int, bytes, Address | None]]:
        """Take what has come in, send on what is forwarded, and hand up the rest: kind, peer, data, source.

        At most 64 datagrams that are wanted above; up to 512 that are not. What stays in the socket comes next time.

        The source is told for STUN alone, which has no peer. Media are decrypted. Raises OSError.
        """

    def send(self, packets: Sequence[bytes], address: Address, /) -> int:
        """As ``UdpSocket.send``."""

    def protect_rtp(self, peer: int, packets: Sequence[bytes], /) -> list[bytes | None]:
        """As ``Srtp.protect_rtp``, with the peer's keys; empty while it has none."""

    def protect_rtcp(self, peer: int, packets: Sequence[bytes], /) -> list[bytes | None]: ...
    def open_source(
        self, peer: int, ssrc: int, codec: str, clock_rate: int, rtx_ssrc: int = 0, *, deliver: bool = True
    ) -> None:
        """Packets of this SSRC can be forwarded from now on; with ``deliver`` they are handed up as well.

        ``codec`` is "H264", "VP8" or "opus"; ``rtx_ssrc`` is where the peer repeats packets (RFC 4588), 0 for nowhere.
        Packets of an SSRC that is no source are handed up.
        """

    def close_source(self, peer: int, ssrc: int, /) -> None: ...
    def deliver(self, peer: int, ssrc: int, wanted: bool, /) -> None: ...
    def repeat(self, peer: int, ssrc: int, rtx_ssrc: int, /) -> None:
        """From now on the peer repeats packets of this source under ``rtx_ssrc``, which was not known before."""

    def is_sound(self, peer: int, ssrc: int, payload_type: int, redundancy: int, /) -> None:
        """Of this source only packets of these payload types are forwarded: sound, and sound with earlier frames (RED,
        RFC 2198; 0 for none). Whoever has not agreed to those gets the newest frame alone. Sound is not sent again."""

    def picture_head(self, peer: int, ssrc: int, /) -> bytes:
        """What tells the size of a source's picture: of its last key frame the sequence parameter set, or the header of
        the VP8 frame, 64 octets at most. Empty before there was one."""

    def requests(self, peer: int, ssrc: int, now: float, wait: float, /) -> list[int]:
        """Sequence numbers that are missing, to ask for now; ``wait`` seconds lie between two requests for one."""

    def source_statistics(self, peer: int, ssrc: int, /) -> tuple[int, int, int, int, int, int, int, float]:
        """Packets, octets of payload, missed, of these come after all, key frames, highest sequence number with its
        cycles (RFC 3550 section 6.4.1), last timestamp, last arrival."""

    def open_outlet(
        self, peer: int, ssrc: int, payload_type: int, first_sequence: int, rtx_ssrc: int = 0, rtx_payload_type: int = 0
    ) -> None:
        """A stream for this peer, numbered from ``first_sequence`` on; a bare beginning, ``route`` feeds it.

        An SSRC that the peer has been sent before under the same keys goes on behind its last number instead: a key
        stream is used once.
        """

    def carry(
        self, peer: int, ssrc: int, codec: str, payload_type: int, rtx_payload_type: int, redundancy: int, /
    ) -> None:
        """Under which payload types an outlet sends this codec, from its next change of source on; 0: it has none for
        repetitions, or for sound with earlier frames. Without this all codecs go out as ``open_outlet`` says."""

    def stamp(self, peer: int, ssrc: int, number: int, /) -> None:
        """Packets of an outlet say when they left, by the header extension abs-send-time of this number; 0: none do.

        By RTX they say nothing of it; without, they come again as they were, since a number stands for one packet only.
        """

    def repeat_sound(self, peer: int, ssrc: int, ages: bytes, /) -> None:
        """With each packet of an outlet for sound go the frames that were so many packets before it, the oldest first,
        3 at most, where the receiver has agreed to them (RED) and they have come. Empty: those that the sender sent
        along."""

    def protect_outlet(
        self, peer: int, ssrc: int, repair_ssrc: int, payload_type: int, mutable: Sequence[int], /
    ) -> None:
        """Repair packets of an outlet go out under this SSRC and payload type: FlexFEC, see ``FecSender``, each of the
        last 16 packets at most. None do before ``set_repair_share``. To be said once."""

    def set_repair_share(self, peer: int, ssrc: int, share: float, /) -> None:
        """So many repair packets go out for each packet of an outlet from now on, 0 to 1, where it is protected."""

    def repair_statistics(self, peer: int, ssrc: int, /) -> tuple[int, int]:
        """Repair packets of an outlet, and octets of their payloads."""

    def close_outlet(self, peer: int, ssrc: int, /) -> None: ...
    def route(self, peer: int, ssrc: int, source: tuple[int, int] | None, /) -> None:
        """Feed the outlet from a source (peer, SSRC), from that one's next key frame on; from nothing, at once."""

    def resend(self, peer: int, ssrc: int, sequences: Sequence[int], /) -> int:
        """Send packets of an outlet again, by RTX where it has one; how many were still there."""

    def outlet_statistics(self, peer: int, ssrc: int, /) -> tuple[int, int, int, int, int, float, bool]:
        """Packets, octets of payload, sent again, changes of source, last timestamp and when it was sent, and whether
        the outlet waits for a key frame: of another source, or of its own that has begun its numbers anew."""

    def waits(self, peer: int, /) -> bool:
        """Whether an outlet of the peer waits for a key frame; see ``outlet_statistics``."""

    def counters(self) -> tuple[int, int, int, int]:
        """Packets forwarded, not sent (socket full, nobody there), from strangers, and longer than 2048 octets."""

    def count_packets(self, peer: int, extension: int, first: int, uncounted: Sequence[int] = (), /) -> None:
        """From now on all RTP to this peer is counted, from ``first`` on, in the header extension of this number, and
        the arrival of what it counts itself is noted (transport-wide congestion control, draft-holmer-rmcat). Streams
        of the SSRCs ``uncounted``, 32 at most, are left out.

        Of an outlet without RTX nothing is sent again from then on: a counted packet is another one each time, and a
        key stream is used once.
        """

    def next_number(self, peer: int, /) -> int | None:
        """Of the next packet that is counted; None where none are."""

    def send_rtp(self, peer: int, packets: Sequence[bytes], now: float, /) -> list[bytes]:
        """Count, encrypt and send RTP packets to where the peer gets its media; nothing where it has no keys or place.

        What the socket has no room for comes back, encrypted, for ``send`` a little later. Where packets are counted,
        one whose sequence number is not beyond the last of its SSRC is left out.
        """

    def take_feedback(self, peer: int, compound: bytes, /) -> list[tuple[float, float, int, int]] | None:
        """What an RTCP compound tells of counted packets: sent, come (by the peer's clock), octets, and fate.

        Fates are those of ``PacketFate``; of what came the arrival counts. None for what is malformed.
        """

    def feedback(self, peer: int, ssrc: int, /) -> list[bytes]:
        """What has come of the peer's counted packets since the last time, as RTCP packets of ``ssrc``."""

# RTP packets and their payloads, with ``mcu.media.rtp`` above. No call works on more than one picture, so none lets go
# of the interpreter's lock: taking it again would last longer.

class RtpError(ValueError):
    """Not a usable RTP packet (RFC 3550 section 5.1)."""

class PayloadError(RtpError):
    """The RTP packet was sound but its payload breaks the rules of its format."""

def parse_header(data: bytes, /) -> tuple[bool, int, int, int, int, int, int]:
    """Marker, payload type, sequence, timestamp, SSRC, start and end of the payload. Raises RtpError."""

def parse_packet(data: bytes, /) -> tuple[int, int, int, int, bytes, bool, tuple[int, ...], dict[int, bytes], int]:
    """Payload type, sequence, timestamp, SSRC, payload, marker, CSRCs, header extensions (RFC 8285), octets of padding.

    A broken tail of the extensions is left out. Raises RtpError.
    """

def read_extension(data: bytes, number: int, /) -> bytes | None:
    """The value of one header extension; None where there is none, or no packet."""

def pack_extensions(elements: Iterable[tuple[int, bytes]], /) -> bytes:
    """The extension block of one-byte-header elements (RFC 8285 section 4.2): ids 1 to 14, values of 1 to 16 octets.

    Empty without elements. Raises RtpError.
    """

def write_packet(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    csrc: tuple[int, ...],
    extensions: bytes,
    padding: int,
    /,
) -> bytes:
    """One packet; ``extensions`` as ``pack_extensions`` makes them. Raises RtpError for what no packet can carry."""

def write_packets(
    payloads: Sequence[bytes],
    marker: bool,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extensions: bytes,
    /,
) -> list[bytes]:
    """A packet for each payload, numbered from ``sequence`` on, which may count roll-overs; the last takes the marker.

    Raises RtpError.
    """

def repetition(packet: bytes, payload_start: int, payload_type: int, sequence: int, ssrc: int, /) -> bytes:
    """A packet as it goes out again by RTX (RFC 4588). It has neither CSRCs nor padding, as ours have."""

def pack_red(blocks: Sequence[tuple[int, int, bytes]], /) -> bytes:
    """The payload of a packet of sound with earlier frames (RED, RFC 2198), oldest first: payload type, by how much the
    timestamp is before that of the packet, and the frame. At most 8 blocks. Raises ValueError for what does not fit.
    """

def unpack_red(payload: bytes, /) -> list[tuple[int, int, bytes]]:
    """The blocks of such a payload. Raises PayloadError, also for more than 8."""

def nal_units(data: bytes, /) -> list[bytes]:
    """NAL units of a byte stream (H.264 Annex B), without start codes and trailing zeros; empty ones are left out."""

class H264Packetizer:
    """Cuts access units into payloads of at most ``mtu`` octets, 64 to 60000, each to go into a packet of its own.

    Mode 1 (RFC 6184 section 6.3) joins small units into STAP-A and cuts large ones into FU-A of nearly equal size. Mode
    0 (section 6.2) knows neither: every unit is a payload, and one larger than ``mtu`` is left to IP fragmentation, up
    to 60000 octets. The encoder of a mode 0 peer is told to keep its slices small, so that happens to stray units only.
    Whoever sends the same bytes object as the last one has it cut already. Raises ValueError for another mode or mtu.
    """

    mode: int
    mtu: int
    def __init__(self, mode: int = 1, mtu: int = 1200) -> None: ...
    def packetize(self, data: bytes, /) -> tuple[bytes, ...]:
        """The payloads of one access unit, in order; the last one takes the marker bit."""

    def packets(
        self,
        data: bytes,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        extensions: bytes,
        cache: RetransmissionCache | None = None,
        /,
    ) -> list[bytes]:
        """The same as finished packets, as by ``write_packets``. Raises RtpError.

        ``cache`` keeps what is needed to make them again: their headers, and ``data``, which receivers share.
        """

class H264Depacketizer:
    """Collects the payloads of one access unit into a byte stream (H.264 Annex B).

    Takes single units, STAP-A and FU-A whatever mode was agreed (baresip 1.0 sends FU-A in mode 0). Remembers
    parameter sets, those of ``sprop`` to begin with, and puts them in front of an IDR picture that came without.
    Of the unit in hand, ``damaged`` says that a fragment is missing, ``clean_start`` that it began as a picture begins,
    ``recovery_point`` that decoding can start there without an IDR picture (H.264 section D.2.8: gradual refresh).
    At most 4 MiB, 2048 NAL units, and 16 parameter sets of each kind with 1024 octets.
    """

    clean_start: bool
    damaged: bool
    def __init__(self, sprop: tuple[bytes, ...] = ()) -> None: ...
    @property
    def conceals(self) -> bool:
        """Decoders mend pictures of which packets are missing."""

    @property
    def recovery_point(self) -> bool: ...
    @property
    def empty(self) -> bool:
        """Nothing is in hand."""

    @property
    def keyframe(self) -> bool:
        """The unit in hand holds a slice of an IDR picture."""

    @property
    def whole(self) -> bool:
        """As far as can be told, nothing is missing from the unit in hand."""

    def push(self, payload: bytes, /) -> None:
        """Add the payload of the next packet. Raises PayloadError; the access unit is then ``damaged``."""

    def cut(self) -> None:
        """Packets are missing here: the rest of the unit that was being put together will not come."""

    def take(self) -> tuple[bytes, bool] | None:
        """The access unit in hand and whether it holds an IDR picture.

        None, with everything kept for the next call, when there is no slice in it: some peers set the marker bit on
        parameter sets of their own. A unit that is not ``whole`` is the caller's to drop with ``reset``.
        """

    def reset(self) -> None:
        """Forget the access unit in hand, not the parameter sets."""

def descriptor_size(payload: bytes, /) -> int:
    """Length of a VP8 payload descriptor (RFC 7741 section 4.2). Raises PayloadError when it or the data is cut off."""

class Vp8Packetizer:
    """Cuts frames into payloads of at most ``mtu`` octets, 64 to 60000, of nearly equal size.

    Each has a 15-bit picture id that grows by one per frame. Raises ValueError for another mtu.
    """

    mtu: int
    picture_id: int
    """Of the next frame."""
    def __init__(self, mtu: int = 1200, picture_id: int = 0) -> None: ...
    def packetize(self, data: bytes, /) -> tuple[bytes, ...]:
        """The payloads of one frame, in order; the last one takes the marker bit."""

    def packets(
        self,
        data: bytes,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        extensions: bytes,
        cache: RetransmissionCache | None = None,
        /,
    ) -> list[bytes]:
        """The same as finished packets, as by ``write_packets``. Raises RtpError.

        ``cache`` keeps what is needed to make them again: their headers, and ``data``, which receivers share.
        """

class Vp8Depacketizer:
    """Collects the payloads of one frame, of at most 4 MiB. Same use as ``H264Depacketizer``."""

    clean_start: bool
    damaged: bool
    @property
    def conceals(self) -> bool:
        """Decoders do not mend frames of which packets are missing."""

    @property
    def recovery_point(self) -> bool: ...
    @property
    def empty(self) -> bool: ...
    @property
    def keyframe(self) -> bool:
        """The frame in hand is a key frame, as far as it begins with its beginning."""

    @property
    def whole(self) -> bool: ...
    def push(self, payload: bytes, /) -> None: ...
    def cut(self) -> None: ...
    def take(self) -> tuple[bytes, bool] | None:
        """The frame in hand and whether it is a key frame (RFC 6386 section 9.1); None when there is none."""

    def reset(self) -> None: ...

class PacketJoiner:
    """Puts packets in sequence together to pictures; a subclass decides what becomes of them.

    A picture ends at its marker bit, or where the timestamp changes: ``finish`` is called then. ``depacketizers`` by
    payload type are such as ``H264Depacketizer``, and not none (ValueError); ``on_malformed`` hears of payloads that
    break their format, whose picture is damaged. ``after_gap`` damages the next picture unless it begins as one does.
    """

    after_gap: bool
    def __init__(self, depacketizers: dict[int, Any], on_malformed: Callable[[PayloadError], None]) -> None: ...
    @property
    def depacketizer(self) -> Any:
        """That of the picture in hand."""

    @property
    def timestamp(self) -> int:
        """Of the picture in hand; -1 before the first."""

    @property
    def payload_type(self) -> int: ...
    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float, /) -> None:
        """Take the next packet in sequence; one without payload is padding, one of an unknown payload type left out."""

    @abstractmethod
    def finish(self, now: float) -> None:
        """The picture in hand is as whole as it will be."""

class _Sink(Protocol):
    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float, /) -> None: ...
    def gap(self, now: float, /) -> None: ...

class ReorderBuffer:
    """Delivers packets to ``sink`` in sequence, by ``push``, and tells it of gaps.

    With ``nack`` lost packets are asked for again, and waited for longer. ``first`` is the extended sequence number to
    begin with. At most 1024 packets are held, and at most 256 missing where none overtakes another: beyond that all
    that is there is passed on.
    """

    MIN_REORDER_WAIT: ClassVar[float]
    MAX_REORDER_WAIT: ClassVar[float]
    NACK_WAIT: ClassVar[float]
    NACK_DELAY: ClassVar[float]
    MAX_DISORDER_WAIT: ClassVar[float]
    MAX_AHEAD: ClassVar[int]
    MAX_NACKS: ClassVar[int]
    MAX_MISSING: ClassVar[int]
    late: int
    """Packets that came after they were given up, or twice."""
    round_trip: float
    """Seconds; once known it paces repeated requests."""
    request_wait: float
    """Seconds more before a missing packet is asked for, while repair packets may mend it."""
    mend_wait: float
    """Seconds for which a gap waits at least, while repair packets may mend it."""
    apart: bool
    """Whether all that is sent again comes by ``receive_repeated``. Then what others overtook is never taken for it."""
    repaired: bool
    """Since it was cleared a packet has been waited for that was sent again, perhaps, or told, or given up."""
    spread: float
    """By how many seconds later those come that others overtake: so much longer is waited, and not asked for them."""
    next_request: float
    """When the next request for a missing packet is due, at the earliest."""

    def __init__(self, sink: _Sink, nack: bool, first: int) -> None: ...
    @overload
    def receive(
        self, extended: int, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float, /
    ) -> None: ...
    @overload
    def receive(
        self,
        extended: int,
        timestamp: int,
        marker: bool,
        payload_type: int,
        packet: bytes,
        now: float,
        start: int,
        end: int,
        /,
    ) -> None:
        """Take a packet as it came in; the second form is told where its payload lies (ValueError for beside it)."""

    def receive_repeated(
        self, extended: int, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float, /
    ) -> None:
        """The same for one that was sent again for certain, or told by repair packets: it says nothing of disorder."""

    def awaits(self, extended: int, /) -> bool:
        """Whether this packet is missing, and has not been given up."""

    def is_ahead(self, extended: int, /) -> bool:
        """Whether this packet is newer than all that have come, and not by more than an outage."""

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` or ``requests_to_send`` has something to do."""

    def handle_timer(self, now: float, /) -> None:
        """Give up what has waited too long."""

    def requests_to_send(self, now: float, /) -> list[int]:
        """The 16-bit sequence numbers to ask for now, in order."""

class RetransmissionCache:
    """The last 512 packets sent, by sequence number."""

    def store(self, sequence: int, packet: bytes, /) -> None:
        """Keep a packet in place of the one 512 before it."""

    def store_run(self, first: int, packets: list[bytes], /) -> None:
        """Keep packets of which the first has this number, which may count roll-overs."""

    def resend(self, sequence: int, now: float, /) -> bytes | None:
        """The packet of a 16-bit sequence number, or None when it is gone or was sent again within 20 ms."""

class SourceNumbers:
    """Sequence numbers, extended to unbounded ones, and jitter of a received source (RFC 3550 appendices A.1 and A.8).

    Begins with the first packet's numbers, without counting it.
    """

    clock_rate: int
    jitter: float
    """In units of ``clock_rate`` (section 6.4.1)."""
    expected_before: int
    """As of the last report, as is ``received_before``."""
    received_before: int
    restarted: bool
    """A sender that started anew; for the reader to clear."""

    def __init__(self, sequence: int, timestamp: int, clock_rate: int, now: float) -> None: ...
    @property
    def highest(self) -> int: ...
    @property
    def base(self) -> int: ...
    @property
    def received(self) -> int:
        """Packets since ``base``, the first number."""

    @property
    def last_arrival(self) -> float: ...
    def receive(self, sequence: int, timestamp: int, now: float, /) -> int | None:
        """Count a packet; returns its extended sequence number.

        None for one that is out of all order. Two such in a row are a sender that started anew: the second one is
        taken and ``restarted`` set, for the receiver to start anew too.
        """

def receive_run(
    packets: list[bytes],
    first: int,
    source: SourceNumbers,
    ssrc: int,
    reorder: ReorderBuffer,
    wanted: bytes,
    now: float,
    silence: float,
    /,
) -> tuple[int, int]:
    """Receive packets from ``first`` on as long as nothing is to be decided; returns how many, and their octets.

    That is to say RTP of this source, which sent something less than ``silence`` seconds ago and goes on with its
    numbers, of payload types that ``wanted`` has a flag for (128 octets). What comes then is left to the caller.
    """
