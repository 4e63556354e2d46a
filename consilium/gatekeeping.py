"""The gatekeeper of a running server: plan and zones out of the database, calls and endpoints into it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from consilium.config import Settings
from consilium.gatekeeper_tables import CallRecordTable, EndpointTable, PlanTables
from gatekeeper.alarms import AlarmTopic
from gatekeeper.dialing import DialSettings
from gatekeeper.inventory import Registration
from gatekeeper.location import Reach
from gatekeeper.registrar import Registrar
from gatekeeper.users import Directory
from mcu.conference.clock import Clock
from mcu.conference.commands import AuditLog
from mcu.conference.manager import random_id
from mcu.control.database import Database
from mcu.control.notices import NoticeHub
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import CallPolicy
from mcu.gateway.endpoint_operations import EndpointOperations
from mcu.gateway.endpoint_poll import AskCommands, EndpointPoll, PollSettings
from mcu.gateway.plan_operations import PlanOperations
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.topology_operations import TopologyOperations, alarm_notice
from mcu.ports import MediaControl, Operation

WATCH_SECONDS = 5.0

LOCKOUT_QUIET = timedelta(minutes=5)
"""An address that has sent nothing for so long that it may not is no cause for alarm any more."""


class Gatekeeping:
    """``open``; then ``admission`` for the SIP gateway, ``run`` in a task, and ``close`` after the last call."""

    def __init__(
        self, settings: Settings, database: Database, registrar: Registrar, users: Directory, clock: Clock
    ) -> None:
        self._registrar = registrar
        self._users = users
        self._clock = clock
        self._records = CallRecordTable(database)
        policy = CallPolicy(PlanTables(database), DialSettings(), settings.media.bitrate, self._is_registered)
        self._interval = settings.gatekeeper.options_interval
        self._poll: EndpointPoll | None = None
        self._log = CallLog(
            EndpointTable(database),
            self._records,
            clock,
            random_id,
            retention=timedelta(days=settings.gatekeeper.record_days),
            registrations=self._registrations,
        )
        self.admission = CallAdmission(policy, self._log)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        database: Database,
        registrar: Registrar,
        users: Directory,
        clock: Clock,
        media: MediaControl,
    ) -> Gatekeeping:
        """Read what is kept. Raises DatabaseError and PolicyError."""
        found = cls(settings, database, registrar, users, clock)
        await found.admission.policy.load()
        await found._log.load()
        media.on_fact(found._log.handle_fact)
        return found

    def operations(self, audit: AuditLog) -> list[Operation]:
        """Operations of the HTTP API."""
        plan = PlanOperations(self.admission.policy, audit, self._clock.wall)
        endpoints = EndpointOperations(self._log, self._records, self._clock.wall)
        topology = TopologyOperations(self.admission.policy, self._log, self._clock.wall)
        return [*plan.operations(), *endpoints.operations(), *topology.operations()]

    def notices(self) -> NoticeHub:
        """Alarms as they come and go, for the sockets of events."""
        hub = NoticeHub()
        self._log.alarms.on_change(lambda alarm: hub.publish(alarm_notice(alarm)))
        return hub

    def poll(self, commands: AskCommands, gateway: SipGateway, own_address: Callable[[str], tuple[str, int]]) -> None:
        """Ask registered devices what they can do; before ``run``."""
        settings = PollSettings(self._interval, own_address)
        self._poll = EndpointPoll(commands, lambda: self._log.inventory, self._ways, settings, self._clock)
        gateway.add_taker(self._poll.take)

    async def run(self) -> None:
        """Keep what happens, and ask devices, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._log.run())
            tasks.create_task(self._watch())
            if self._poll is not None:
                tasks.create_task(self._poll.run())

    async def close(self) -> None:
        """Write down what is left."""
        await self._log.close()

    def locked_out(self, source: str, why: str) -> None:
        """An address is not served for now: an alarm, until it has been quiet for a while."""
        alarms, now = self._log.alarms, self._clock.wall()
        if not alarms.again(AlarmTopic.LOCKOUT, source, now):
            alarms.wrong(AlarmTopic.LOCKOUT, source, now, detail=why)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.watch()

    def watch(self) -> None:
        """End alarms that nothing speaks for any more."""
        now = self._clock.wall()
        self.admission.watch_budgets(now)
        self._log.alarms.settle(AlarmTopic.LOCKOUT, now, LOCKOUT_QUIET)

    def _is_registered(self, alias: str) -> bool:
        return bool(self._registrar.locate(alias, time.time()))

    def _ways(self) -> list[Reach]:
        return [binding.reach for binding in self._registrar.bindings(time.time())]

    def _registrations(self) -> Iterable[Registration]:
        for binding in self._registrar.bindings(time.time()):
            flow = binding.flow
            address = "" if flow is None else flow.remote[0]
            user = self._users.find(binding.account)
            yield Registration(
                endpoint=binding.account,
                name="" if user is None else user.title,
                contact=binding.shown_contact,
                address=address,
                zone=self.admission.policy.zones.zone_of(address).name if address else "",
                transport="" if flow is None else flow.transport,
                user_agent=binding.user_agent,
                expires_at=datetime.fromtimestamp(binding.expires_at, UTC),
            )
