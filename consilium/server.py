"""The composition root: builds every part of a server, hands them round, and takes them down again in order."""

from __future__ import annotations

import asyncio
import datetime
import logging
import secrets
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import ifaddr
from aiohttp import web

from consilium.browser_host import browser_host, browsers_use_ipv6
from consilium.calling import (
    dial_out,
    dial_settings,
    in_conference_services,
    menu,
    own_address,
    point_to_point,
    room_chat,
)
from consilium.certificates import Identity, ensure_identity
from consilium.config import Settings, SettingsError
from consilium.gatekeeping import Gatekeeping
from consilium.pages import API_PAGE, FONT, WEB_CLIENT, add_pages
from consilium.recordings import StoreRegister
from consilium.registration import Registry
from consilium.signalling import agent_settings, credentials, listeners, transport_settings
from consilium.web_connections import KEEP_ALIVE, PatientSite
from mcu.conference.clock import Clock
from mcu.conference.door.hashing import Hasher
from mcu.conference.manager import ConferenceManager, random_id
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database, DatabaseError
from mcu.control.layout_table import LayoutTable
from mcu.control.logo_files import LogoFiles
from mcu.control.room_table import RoomTable
from mcu.control.settings import ControlSettings
from mcu.gateway.browser_calls import BrowserCalls
from mcu.gateway.browser_gateway import BrowserAddresses, BrowserGateway
from mcu.gateway.call_policy import PolicyError
from mcu.gateway.media_addresses import MediaAddresses
from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.tls_stream import TlsIdentity
from mcu.media.codec import libbcg729
from mcu.media.facts import Capacity
from mcu.media.pool import WorkerPool
from mcu.media.port_meter import WorkerPortMeter
from mcu.media.spec import WorkerSettings
from mcu.media.transport.sockets import bound_tcp_socket
from mcu.ports import MediaError, Operation
from recorder.store import RecordingStore
from sip.agent import UserAgent
from sip.local_networks import LocalNetworks
from sip.sdp.security import Encryption
from sip.server import SipServer
from vod.routes import operations as recording_operations

logger = logging.getLogger(__name__)

# Answers that are on their way when the server stops get this long to finish.
WEB_GRACE = 2.0


class StartError(Exception):
    """The server cannot start; the message says what to change."""


@dataclass(frozen=True)
class Addresses:
    """Where a running server is reached; ``administrator_password`` only on the first start."""

    web: str
    local_web: str
    sip: str
    administrator_password: str | None


class Server:
    """``start`` … ``stop``; in between everything runs on the current event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.vendor = WEB_CLIENT.parent / "node_modules"
        self._stack = AsyncExitStack()
        self.pool: WorkerPool
        self.manager: ConferenceManager
        self.sip: SipServer
        self.gatekeeping: Gatekeeping
        self.registry: Registry
        self._operations: list[Operation] = []

    async def start(self) -> Addresses:
        """Start everything. Raises StartError; nothing is left running then."""
        try:
            return await self._start()
        except (OSError, MediaError, DatabaseError, PolicyError, SettingsError) as error:
            await self.stop()
            raise StartError(str(error)) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take all down: no new calls, BYE to all, recordings closed, workers ended, database closed."""
        await self._stack.aclose()

    async def _start(self) -> Addresses:
        settings = self.settings
        font = self.vendor / FONT
        if not font.is_file():
            raise StartError(f"{font} is missing: run 'npm ci' (or 'make run', which does)")
        settings.data.mkdir(parents=True, exist_ok=True)
        settings.recordings_folder.mkdir(parents=True, exist_ok=True)
        local_addresses = _local_addresses()
        names = ["127.0.0.1", "::1", *local_addresses]
        identity = ensure_identity(
            settings.data / "tls", list(dict.fromkeys(names)), datetime.datetime.now(datetime.UTC)
        )
        clock = Clock()

        database = await Database.open(settings.data / "consilium.sqlite3")
        self._stack.push_async_callback(database.close)
        hasher = Hasher()
        self._stack.callback(hasher.close)
        audit = AuditTable(database)
        accounts = Accounts(database, hasher, clock, audit)
        password = await accounts.ensure_administrator()
        self.registry = await Registry.open(settings, database)
        self._stack.push_async_callback(self.registry.close)
        self._operations += self.registry.operations(audit)

        store = RecordingStore(settings.recordings_folder)
        await asyncio.to_thread(store.repair_all)

        self.pool = WorkerPool(
            self._worker_settings(identity, font),
            calibrate=settings.media.capacity_ports is None,
            spares=settings.media.spare_workers,
        )
        self._stack.push_async_callback(self.pool.stop)
        await self.pool.start()

        self.manager = ConferenceManager(
            self.pool,
            self._conference_settings(),
            clock,
            random_id,
            RoomTable(database),
            audit=audit,
            recordings=StoreRegister(store),
            meter=WorkerPortMeter(self._capacity),
            layouts=LayoutTable(database),
            logos=LogoFiles(settings.logos_folder),
        )
        self.gatekeeping = await Gatekeeping.open(
            settings, database, self.registry.registrar, self.registry.users, clock, self.pool
        )
        self._stack.push_async_callback(self.gatekeeping.close)
        self._operations += self.gatekeeping.operations(audit)
        accounts.on_locked_out = self.gatekeeping.locked_out
        await self._start_sip(identity)
        await self._start_web(accounts, store, identity, local_addresses)
        for work in (self.manager.run(), self.registry.run(), self.gatekeeping.run()):
            self._stack.push_async_callback(_cancel, asyncio.create_task(work))
        # Last in, first out: conferences end, and with them every call, while signalling still works.
        self._stack.push_async_callback(self.manager.close)
        return self._addresses(local_addresses, password)

    def _worker_settings(self, identity: Identity, font: Path) -> list[WorkerSettings]:
        media, web = self.settings.media, self.settings.web
        tcp_port = media.browser_tcp_port
        if tcp_port is None:
            ports = range(media.browser_port, media.browser_port + media.workers)
            tcp_port = 0 if web.https_port in ports or web.http_port in ports else media.browser_port
        return [
            WorkerSettings(
                index=index,
                browser_host=browser_host(media),
                browser_port=media.browser_port + index,
                certificate_file=str(identity.certificate_file),
                private_key_file=str(identity.private_key_file),
                font_file=str(font),
                log_level=self.settings.log.level,
                browser_tcp_port=tcp_port + index if tcp_port else 0,
            )
            for index in range(media.workers)
        ]

    def _capacity(self) -> Capacity | None:
        """As set by hand, else as measured."""
        ports = self.settings.media.capacity_ports
        return self.pool.capacity if ports is None else Capacity(ports=ports)

    def _conference_settings(self) -> ConferenceSettings:
        rooms, media = self.settings.rooms, self.settings.media
        return ConferenceSettings(
            create_on_dial=rooms.create_on_dial,
            dial_pattern=rooms.number_pattern,
            maximum_conferences=rooms.max_conferences,
            maximum_views=rooms.max_views,
            maximum_participants=rooms.max_participants,
            empty_seconds=rooms.linger,
            width=media.width,
            height=media.height,
            frame_rate=media.frame_rate,
            bitrate=media.bitrate,
            recordings_directory=str(self.settings.recordings_folder),
            logos_directory=str(self.settings.logos_folder),
        )

    async def _start_sip(self, identity: Identity) -> None:
        sip, media = self.settings.sip, self.settings.media
        agent = UserAgent(agent_settings(sip))
        agent.use_credentials(credentials(sip))
        gateway = SipGateway(
            agent,
            self.manager,
            self.pool,
            RtpPorts(media.host, media.rtp_port_first, media.rtp_port_last),
            addresses=MediaAddresses(media.host, sip.public_address, LocalNetworks(sip.local_networks)),
            silence_timeout=media.silence_timeout,
            ids=_random_number,
            encryption=Encryption(media.encryption),
            sends_g729=libbcg729.library() is not None,
            fingerprint=identity.fingerprint,
            identity=TlsIdentity(identity.certificate_file, identity.private_key_file),
            admission=self.gatekeeping.admission,
            dialing=dial_settings(self.settings),
        )
        self._stack.push_async_callback(room_chat(gateway, self.manager).close)
        self._stack.push_async_callback(menu(self.settings, gateway, self.manager, self.pool).close)
        self.registry.attach(agent)
        gateway.entrance.on_refused = self.registry.sip.call_refused
        self.registry.sip.zone_policy = self.gatekeeping.admission.policy.of_strangers
        self.registry.sip.on_locked_out = self.gatekeeping.locked_out
        calls = dial_out(self.settings, agent, gateway, self.manager, self.registry.registrar)
        self._stack.push_async_callback(point_to_point(agent, gateway, self.manager, calls).close)
        self.gatekeeping.poll(agent, gateway, own_address(self.settings))
        for service in in_conference_services(agent, gateway, self.manager, calls):
            self._stack.push_async_callback(service.close)
        self.sip = SipServer(agent, listeners(sip), gateway.handle, transport_settings(self.settings, identity))
        self._stack.push_async_callback(gateway.close)
        try:
            await self.sip.start()
        except OSError as error:
            names = "sip.port, sip.tls_port and their like"
            raise StartError(f"SIP on {sip.host}, port {sip.port}: {error.strerror} (settings {names})") from error
        self._stack.push_async_callback(self.sip.stop)

    async def _start_web(
        self, accounts: Accounts, store: RecordingStore, identity: Identity, local_addresses: list[str]
    ) -> None:
        settings = self.settings.web
        browser_calls = BrowserCalls(self.manager, self.gatekeeping.admission)
        browser_calls.start()
        self._stack.push_async_callback(browser_calls.close)
        browsers = BrowserGateway(
            self.manager,
            self.pool,
            BrowserAddresses(
                self.settings.media.public_address,
                local_addresses,
                identity.fingerprint,
                self.settings.media.public_ipv6_address,
                browsers_use_ipv6(self.settings.media),
            ),
            _random_number,
            browser_calls,
        )
        self._stack.push_async_callback(browsers.close)
        application = make_application(
            self.manager,
            accounts,
            [*browsers.operations(), *recording_operations(store), *self._operations],
            ControlSettings(
                # Browsers share cookies among the ports of a host, so servers side by side need names of their own.
                cookie_name=f"consilium_{settings.https_port}",
                swagger_directory=self.vendor / API_PAGE,
            ),
            notices=self.gatekeeping.notices(),
        )
        add_pages(application, self.vendor)
        # Browsers that speak SIP reach it where they reach everything else (RFC 7118).
        application.router.add_get("/sip", self.sip.serve_websocket)

        async def close_websockets(_: web.Application) -> None:
            self.sip.close_websockets()

        application.on_shutdown.append(close_websockets)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=WEB_GRACE, keepalive_timeout=KEEP_ALIVE)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate = settings.certificate_file or identity.certificate_file
        try:
            secure.load_cert_chain(certificate, settings.private_key_file or identity.private_key_file)
        except (OSError, ssl.SSLError) as error:
            raise StartError(f"{certificate}: {error}") from error
        for host, context, setting, port in (
            (settings.host, secure, "https", settings.https_port),
            ("127.0.0.1", None, "http", settings.http_port),
        ):
            try:
                await PatientSite(runner, bound_tcp_socket(host, port), context).start()
            except OSError as error:
                raise StartError(f"web port {port}: {error.strerror} (setting web.{setting}_port)") from error

    def _addresses(self, local_addresses: list[str], password: str | None) -> Addresses:
        web_settings, sip = self.settings.web, self.settings.sip
        host = next((address for address in local_addresses if not address.startswith("127.")), "127.0.0.1")
        web_host = host if web_settings.host in ("0.0.0.0", "::") else web_settings.host
        sip_host = sip.public_address or (host if sip.host in ("0.0.0.0", "::") else sip.host)
        sip_port = "" if sip.port == 5060 else f":{sip.port}"
        return Addresses(
            web=f"https://{_bracketed(web_host)}:{web_settings.https_port}/",
            local_web=f"http://localhost:{web_settings.http_port}/",
            sip=f"sip:1000@{_bracketed(sip_host)}{sip_port}",
            administrator_password=password,
        )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _local_addresses() -> list[str]:
    """This machine's addresses, IPv4 first; loopback and link-local ones left out unless there is nothing else."""
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    version_4 = [ip for ip in found if isinstance(ip, str) and not ip.startswith("127.")]
    version_6 = [ip[0] for ip in found if isinstance(ip, tuple) and ip[0] != "::1" and not ip[0].startswith("fe80")]
    return [*version_4, *version_6] or ["127.0.0.1"]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _random_number() -> int:
    """For sessions and SSRCs: never 0, and fits a signed 32-bit number, which some devices take an SSRC for."""
    return 1 + secrets.randbelow((1 << 31) - 1)
