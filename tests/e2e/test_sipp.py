"""Calls between SIPp and the SIP server over real sockets; a small application answers with a fixed SDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.digest import Credentials
from sip.events import (
    CallAnswered,
    CallCancelled,
    CallConfirmed,
    CallEnded,
    CallProgress,
    CallRefused,
    Event,
    IncomingCall,
    InfoReceived,
    MessageReceived,
    OptionsReceived,
    ReofferAnswered,
    ReofferReceived,
    SubscriptionEnded,
    SubscriptionRequested,
    TransferRequested,
)
from sip.listeners import Listener
from sip.server import SipServer
from sip.timers import TimerSettings
from sip.warning import Warning
from tests.peers import sipp

pytestmark = pytest.mark.e2e

HOST = "127.0.0.1"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
# SIPp's own retransmissions keep to the standard; ours are sped up so that giving up takes 3 s and not 32.
FAST = TimerSettings(t1=0.05, t2=0.4, t4=0.5)


class Application:
    """Rooms with a behaviour each: 1000 answers, 2000 answers and hangs up, 3000 only rings, others do not exist."""

    def __init__(self) -> None:
        self.agent = UserAgent(AgentSettings(timers=FAST, min_session_expires=2))
        self.agent.serve_packages("conference")
        self.agent.use_credentials(lambda realm: Credentials("server", "secret") if realm == "clinic" else None)
        self.server = SipServer(self.agent, [Listener("udp", HOST, 0), Listener("tcp", HOST, 0)], self.on_event)
        self.events: list[Event] = []
        self._room: dict[str, str] = {}
        self._news = asyncio.Event()

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()
        if isinstance(event, IncomingCall):
            self._door(event)
        elif isinstance(event, CallConfirmed) and self._room.get(event.call) == "2000":
            self.agent.hang_up(event.call, "the conference is over")
        elif isinstance(event, ReofferReceived):
            self.agent.answer_reoffer(event.call, SDP)
        elif isinstance(event, SubscriptionRequested):
            self.agent.accept_subscription(event.subscription, "application/conference-info+xml", b"<conference-info/>")
        elif isinstance(event, TransferRequested):
            self.agent.accept_transfer(event.transfer)
            self.agent.report_transfer(event.transfer, 486)

    def _door(self, event: IncomingCall) -> None:
        room = event.request_uri.removeprefix("sip:").partition("@")[0]
        self._room[event.call] = room
        if room not in ("1000", "2000", "3000", "4000"):
            self.agent.reject(event.call, 404, warning=Warning(399, "there is no such room"))
            return
        self.agent.ring(event.call)
        if room == "4000":
            asyncio.get_running_loop().call_later(0.5, self.agent.accept, event.call, SDP)
        elif room != "3000":
            self.agent.accept(event.call, SDP)

    def of_type(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def port(self, transport: str) -> int:
        return next(listener.port for listener in self.server.listeners if listener.transport == transport)

    async def until(self, kind: type[Event]) -> Event:
        async with asyncio.timeout(10):
            while not self.of_type(kind):
                self._news.clear()
                await self._news.wait()
        return self.of_type(kind)[0]


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    application = Application()
    await application.server.start()
    yield application
    await application.server.stop()


async def called(
    application: Application, scenario: str, service: str = "1000", transport: str = "udp", calls: int = 1
) -> None:
    """SIPp calls and all goes by its scenario."""
    result = await sipp.call(
        scenario, HOST, application.port(transport), service=service, transport=transport, calls=calls
    )
    assert result.succeeded, result.trouble


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_calls_ended_by_the_caller(application: Application, transport: str) -> None:
    await called(application, "call", transport=transport, calls=5)
    assert len(application.of_type(CallConfirmed)) == len(application.of_type(CallEnded)) == 5
    assert not application.agent.calls


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_ended_by_the_server(application: Application, transport: str) -> None:
    await called(application, "call_ended_by_server", "2000", transport)
    assert not application.agent.calls


async def test_a_lost_ack(application: Application) -> None:
    await called(application, "lost_ack")
    assert len(application.of_type(CallConfirmed)) == 1


async def test_a_call_that_is_never_acknowledged(application: Application) -> None:
    await called(application, "never_acknowledged")
    ended = application.of_type(CallEnded)[0]
    assert isinstance(ended, CallEnded) and ended.reason == "no ACK was received"


async def test_a_retransmitted_invite_is_one_call(application: Application) -> None:
    await called(application, "retransmission", "4000")
    assert len(application.of_type(IncomingCall)) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_cancelled_call(application: Application, transport: str) -> None:
    await called(application, "cancel", "3000", transport)
    assert application.of_type(CallCancelled) and not application.agent.calls


async def test_an_unknown_room(application: Application) -> None:
    await called(application, "unknown_room", "777")
    assert not application.agent.calls


async def test_hold_and_resume(application: Application) -> None:
    await called(application, "hold_and_resume")
    assert len(application.of_type(ReofferReceived)) == 2


async def test_a_late_offer(application: Application) -> None:
    await called(application, "late_offer")
    confirmed = application.of_type(CallConfirmed)[0]
    assert isinstance(confirmed, CallConfirmed) and confirmed.answer is not None and "PCMU" in confirmed.answer


async def test_a_key_frame_request_by_info(application: Application) -> None:
    await called(application, "info")
    info = application.of_type(InfoReceived)[0]
    assert isinstance(info, InfoReceived) and b"picture_fast_update" in info.body


async def test_what_is_not_supported_is_refused(application: Application) -> None:
    await called(application, "unsupported")
    assert application.of_type(OptionsReceived) and not application.of_type(IncomingCall)


async def test_malformed_messages_do_no_harm(application: Application) -> None:
    await called(application, "malformed")
    assert application.agent.statistics.malformed == 5
    assert len(application.of_type(CallConfirmed)) == 1


async def test_ringing_is_acknowledged(application: Application) -> None:
    await called(application, "prack", "4000")
    assert len(application.of_type(CallConfirmed)) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_updates(application: Application, transport: str) -> None:
    await called(application, "update", transport=transport)
    assert len(application.of_type(ReofferReceived)) == 1


@pytest.mark.parametrize("scenario", ["refreshed", "refreshed_by_invite"])
async def test_the_server_refreshes_sessions(application: Application, scenario: str) -> None:
    await called(application, scenario)
    ended = application.of_type(CallEnded)[0]
    assert isinstance(ended, CallEnded)
    assert ended.reason == "the other side hung up"


async def test_a_session_that_is_not_refreshed_ends(application: Application) -> None:
    await called(application, "not_refreshed")
    ended = application.of_type(CallEnded)[0]
    assert isinstance(ended, CallEnded)
    assert ended.status == 408


async def test_a_session_too_short_is_refused(application: Application) -> None:
    await called(application, "session_too_short")
    assert len(application.of_type(IncomingCall)) == 1


async def test_text_in_a_call(application: Application) -> None:
    await called(application, "message_in_call")
    message = application.of_type(MessageReceived)[0]
    assert isinstance(message, MessageReceived)
    assert message.text == "Bed two, please." and message.call


async def test_a_watcher(application: Application) -> None:
    await called(application, "watch")
    assert application.of_type(SubscriptionEnded)


async def test_a_transfer(application: Application) -> None:
    await called(application, "refer")
    asked = application.of_type(TransferRequested)[0]
    assert isinstance(asked, TransferRequested)
    assert asked.target == "sip:ward@127.0.0.1"


class Called:
    """SIPp waits for a call of ours."""

    def __init__(self, application: Application, scenario: str, transport: str = "udp") -> None:
        self.port = sipp.free_port()
        self.transport = transport
        self.application = application
        self.peer = sipp.Sipp(scenario, "-m", "1", port=self.port, transport=transport)

    async def __aenter__(self) -> Called:
        await self.peer.__aenter__()
        if self.transport == "tcp":
            for _ in range(200):
                if await self._listens():
                    break
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.peer.__aexit__(*error)

    async def _listens(self) -> bool:
        # A UDP INVITE is simply sent again until SIPp is up; a TCP connection would be refused.
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.close()
        return True

    def invite(self) -> str:
        target = f"sip:room@{HOST}:{self.port};transport={self.transport}"
        return self.application.agent.invite(target, SDP, f"sip:1000@{HOST}", "Consilium")

    async def succeeds(self) -> None:
        result = await self.peer.result()
        assert result.succeeded, result.trouble


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_to_a_room(application: Application, transport: str) -> None:
    async with Called(application, "answer", transport) as room:
        call = room.invite()
        await application.until(CallAnswered)
        assert application.of_type(CallProgress) == [CallProgress(call, 180)]
        application.agent.hang_up(call)
        await room.succeeds()
    assert application.of_type(CallEnded)


@pytest.mark.parametrize("scenario", ["challenging_md5", "challenging_sha256"])
async def test_a_call_that_is_challenged(application: Application, scenario: str) -> None:
    async with Called(application, scenario) as room:
        call = room.invite()
        await application.until(CallAnswered)
        application.agent.hang_up(call)
        await room.succeeds()


async def test_a_new_offer_to_a_room(application: Application) -> None:
    async with Called(application, "reoffered") as room:
        call = room.invite()
        await application.until(CallAnswered)
        application.agent.reoffer(call, SDP)
        answered = await application.until(ReofferAnswered)
        assert isinstance(answered, ReofferAnswered) and "recvonly" in (answered.answer or "")
        application.agent.hang_up(call)
        await room.succeeds()


async def test_a_busy_room(application: Application) -> None:
    async with Called(application, "busy") as room:
        call = room.invite()
        assert await application.until(CallRefused) == CallRefused(call, 486, "Busy Here")
        await room.succeeds()


async def test_a_room_that_does_not_answer_is_given_up(application: Application) -> None:
    async with Called(application, "ring_until_cancelled") as room:
        call = room.invite()
        await application.until(CallProgress)
        application.agent.cancel(call)
        assert await application.until(CallRefused) == CallRefused(call, 487, "Request Terminated")
        await room.succeeds()


async def test_nobody_listens(application: Application) -> None:
    call = application.agent.invite(f"sip:x@{HOST}:{sipp.free_port()};transport=tcp", SDP, f"sip:1000@{HOST}")
    assert await application.until(CallRefused) == CallRefused(call, 503, "cannot be reached")


async def test_stopping_ends_the_calls() -> None:
    application = Application()
    await application.server.start()
    async with Called(application, "answer") as room:
        room.invite()
        await application.until(CallAnswered)
        await application.server.stop()
        await room.succeeds()
