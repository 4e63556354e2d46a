"""Drives the calls that conferences make: tries, pauses between tries, and what becomes of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from mcu.conference import events
from mcu.conference.calls import (
    MAXIMUM_FAILED,
    MAXIMUM_TARGETS,
    CallAnswered,
    Caller,
    CallFailed,
    CallRequest,
    CallState,
    OutgoingCall,
    TargetRefused,
)
from mcu.conference.commands import CancelCall, CommandRefused, PlaceCalls, Refusal
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.door.admission import Admission
from mcu.conference.door.entrance import Entrance
from mcu.conference.door.joining import JoinRefused
from mcu.conference.text import clean_name, normal_number

logger = logging.getLogger(__name__)

FIRST_PAUSE = 15.0
"""Seconds before the second try; each later pause is twice as long, up to LONGEST_PAUSE."""

LONGEST_PAUSE = 120.0


def pause_before(attempt: int) -> float:
    """Seconds to wait before this try, counted from 1."""
    return 0.0 if attempt <= 1 else min(FIRST_PAUSE * 2.0 ** (attempt - 2), LONGEST_PAUSE)


class OutgoingCalls:
    """The calls out of all conferences. ``caller`` is None where the server cannot call anybody."""

    def __init__(
        self,
        core: ConferenceCore,
        admission: Admission,
        entrance: Entrance,
        ids: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._core = core
        self._admission = admission
        self._entrance = entrance
        self._ids = ids
        self._sleep = sleep
        self.caller: Caller | None = None

    async def place(self, command: PlaceCalls) -> tuple[OutgoingCall, ...]:
        """Begin to call; the conference opens with it where none runs. Raises CommandRefused."""
        caller = self.caller
        if caller is None:
            raise CommandRefused(Refusal.CALL_NOT_ALLOWED, "This server is not set up to call anybody.")
        targets = list(dict.fromkeys(target.strip() for target in command.targets))
        if not targets or len(targets) > MAXIMUM_TARGETS:
            raise CommandRefused(Refusal.INVALID, f"Name one to {MAXIMUM_TARGETS} addresses to call.")
        names = {target: _checked(caller, target) for target in targets}
        terms = await self._admission.terms(command.number)
        if terms is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        async with self._core.lock(terms.number):
            running = self._core.with_number(terms.number)
            if running is not None:
                self._check_room(running, targets)
            else:
                try:
                    running = self._entrance.open_for_calls(terms)
                except JoinRefused as refused:
                    raise CommandRefused(Refusal.MEDIA, str(refused)) from refused
            calls = tuple(
                OutgoingCall(self._ids(), target, name, self._core.clock.wall(), 1 + max(0, command.retries))
                for target, name in names.items()
            )
            for call in calls:
                # A failed call to the same address is history now.
                kept = tuple(each for each in running.conference.calls if each.target != call.target)
                running.conference = replace(running.conference, calls=(*kept, call))
                self._tell(running, call)
                task = asyncio.create_task(self._run(running, call), name=f"call {call.id}")
                running.calling[call.id] = task
            return calls

    async def cancel(self, command: CancelCall) -> None:
        """Give up a call, or all of them, and forget those that failed. Raises CommandRefused."""
        number = normal_number(command.number)
        running = None if number is None else self._core.with_number(number)
        if running is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "No conference runs under this number.")
        calls = [call for call in running.conference.calls if command.call_id in (None, call.id)]
        if not calls and command.call_id is not None:
            raise CommandRefused(Refusal.UNKNOWN_CALL, "There is no such call.")
        for call in calls:
            task = running.calling.get(call.id)
            if task is None:
                self._finish(running, replace(call, state=CallState.CANCELLED))
            else:
                task.cancel()
        await asyncio.gather(
            *(running.calling[call.id] for call in calls if call.id in running.calling), return_exceptions=True
        )

    def _check_room(self, running: Running, targets: list[str]) -> None:
        conference = running.conference
        pending = [call.target for call in conference.calls if not call.state.is_over]
        if twice := set(targets) & set(pending):
            raise CommandRefused(Refusal.ALREADY_CALLING, f"{min(twice)} is being called already.")
        room = self._core.settings.maximum_participants - len(conference.participants) - len(pending)
        if len(targets) > room:
            raise CommandRefused(Refusal.INVALID, f"The conference has room for {max(0, room)} more.")

    async def _run(self, running: Running, call: OutgoingCall) -> None:
        """One call with all its tries."""
        try:
            call = await self._try(running, call)
        except asyncio.CancelledError:
            call = replace(self._current(running, call), state=CallState.CANCELLED)
            raise
        except Exception:
            logger.exception("Conference %s: a call out failed", running.conference.number)
            call = replace(self._current(running, call), state=CallState.FAILED, reason="Server error")
        finally:
            running.calling.pop(call.id, None)
            self._finish(running, call)

    async def _try(self, running: Running, call: OutgoingCall) -> OutgoingCall:
        for attempt in range(1, call.attempts + 1):
            if attempt > 1:
                call = self._change(running, call, state=CallState.WAITING)
                await self._sleep(pause_before(attempt))
                call = self._change(running, call, state=CallState.DIALLING, attempt=attempt)
            outcome = await self._once(running, call)
            if isinstance(outcome, CallAnswered):
                return replace(call, state=CallState.ANSWERED, participant_id=outcome.participant_id, reason="")
            call = replace(call, reason=clean_name(outcome.reason), status=outcome.status)
            if not outcome.worth_retrying:
                break
        return replace(call, state=CallState.FAILED)

    async def _once(self, running: Running, call: OutgoingCall) -> CallAnswered | CallFailed:
        conference = running.conference
        if self.caller is None or running.over:
            return CallFailed("The conference has ended")
        request = CallRequest(call.target, call.name, conference.number, conference.id, conference.title)
        return await self.caller.call(request, lambda: self._ringing(running, call))

    def _ringing(self, running: Running, call: OutgoingCall) -> None:
        if self._current(running, call).state is CallState.DIALLING:
            self._change(running, call, state=CallState.RINGING)

    def _current(self, running: Running, call: OutgoingCall) -> OutgoingCall:
        return next((each for each in running.conference.calls if each.id == call.id), call)

    def _change(
        self, running: Running, call: OutgoingCall, *, state: CallState, attempt: int | None = None
    ) -> OutgoingCall:
        changed = replace(call, state=state, attempt=attempt or call.attempt)
        calls = tuple(changed if each.id == call.id else each for each in running.conference.calls)
        running.conference = replace(running.conference, calls=calls)
        self._tell(running, changed)
        return changed

    def _finish(self, running: Running, call: OutgoingCall) -> None:
        """Take a call that is over off the list, unless it failed: that is shown until somebody has seen it."""
        if all(each.id != call.id for each in running.conference.calls):
            return
        calls = [each for each in running.conference.calls if each.id != call.id]
        if call.state is CallState.FAILED:
            calls.append(call)
            failed = [each.id for each in calls if each.state is CallState.FAILED]
            forgotten = set(failed[:-MAXIMUM_FAILED])
            calls = [each for each in calls if each.id not in forgotten]
        running.conference = replace(running.conference, calls=tuple(calls))
        self._tell(running, call)
        if running.empty_since is not None and not running.calling:
            # The conference waited for this call; from now on it is empty.
            running.empty_since = self._core.clock.monotonic()
            self._core.changed.set()

    def _tell(self, running: Running, call: OutgoingCall) -> None:
        if not running.over:
            self._core.publish(events.CallChanged(self._core.clock.wall(), running.conference, call))


def _checked(caller: Caller, target: str) -> str:
    try:
        return clean_name(caller.check(target)) or target
    except TargetRefused as refused:
        code = Refusal.CALL_NOT_ALLOWED if refused.is_policy else Refusal.INVALID
        raise CommandRefused(code, f"{target}: {refused}") from refused
