"""A browser's offer answered: ICE-lite, DTLS server, everything bundled on one port (RFC 8829, 8839, 8842, 8843).

Pure. The answer takes the first sound and the first two pictures of the bundle, the second of which is for what is
shared, and after them those that the browser only receives: slots for pictures of others as they are, after all of
these one for what others share, and more sound, for voices of others as they are. Whatever else is offered (data
channel, more pictures) is refused with port 0.
"""

from __future__ import annotations

from mcu.webrtc.lines import Role, choose_lines, line_of
from mcu.webrtc.local import BrowserAnswer as BrowserAnswer
from mcu.webrtc.local import BrowserLocal as BrowserLocal
from mcu.webrtc.local import PictureSources as PictureSources
from mcu.webrtc.specs import audio_spec, video_spec
from mcu.webrtc.transport import bundle, read_transport
from mcu.webrtc.writing import answered_media, refused_media
from sip.sdp.grammar import Attribute, Origin, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.writing import SESSION_NAME


def answer_browser_offer(offer_sdp: str, local: BrowserLocal) -> BrowserAnswer:
    """Answer a browser. Raises SdpError for what is no SDP, NotAcceptable for what we cannot take."""
    offer = parse(offer_sdp)
    lines = choose_lines(offer, local)
    if not any(line.role in (Role.AUDIO, Role.VIDEO) for line in lines):
        raise NotAcceptable("neither sound nor picture of this browser can be taken: no bundled codec in common")
    transport = read_transport(offer, lines[0].media, local.ufrag, local.password)
    session_attributes = [Attribute("ice-lite"), Attribute("msid-semantic", "WMS *")]
    if bundle(offer) is not None:
        group = Attribute("group", " ".join(["BUNDLE", *(line.mid for line in lines)]))
        session_attributes.insert(1, group)
    taken = {line.index: line for line in lines}
    description = SessionDescription(
        origin=Origin("-", local.session_id, local.version, "127.0.0.1"),  # as browsers do: no address is told here
        session_name=SESSION_NAME,
        attributes=tuple(session_attributes),
        media=tuple(
            answered_media(taken[index], local) if index in taken else refused_media(media)
            for index, media in enumerate(offer.media)
        ),
    )
    audio, video, content = (line_of(lines, role) for role in (Role.AUDIO, Role.VIDEO, Role.CONTENT))
    return BrowserAnswer(
        sdp=str(description),
        transport=transport,
        audio=None if audio is None else audio_spec(audio),
        video=None if video is None else video_spec(offer, video, local),
        content=None if content is None else video_spec(offer, content, local),
        slots=tuple(video_spec(offer, line, local) for line in lines if line.role is Role.SLOT),
        shared=next((video_spec(offer, line, local) for line in lines if line.role is Role.SHARED), None),
        voices=tuple(audio_spec(line) for line in lines if line.role is Role.VOICE),
        offered_by=(offer.origin.username, offer.origin.session_id),
    )
