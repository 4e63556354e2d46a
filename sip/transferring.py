"""Sending a peer to somebody else, and being sent: REFER (RFC 3515), attended with Replaces (RFC 3891)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from sip.address import NameAddress, parse_name_address
from sip.call import Call, CallTable
from sip.core import AgentCore
from sip.dialog import Dialog, dialog_of_callee
from sip.errors import CallStateError, SipParseError
from sip.event_package import EventHeader, SubscriptionState, parse_event, parse_subscription_state
from sip.events import TransferProgress, TransferRefused, TransferRequested
from sip.flow import Flow
from sip.grammar import printable
from sip.message import Request, Response
from sip.replaces import Replaces, parse_replaces
from sip.status import phrase
from sip.subscriptions import Document, Subscription, Subscriptions
from sip.transactions import Failure, ServerTransaction
from sip.uri import SipUri, parse_uri

SIPFRAG = "message/sipfrag;version=2.0"
# Seconds that whoever sent us hears of it; longer than any call rings.
TRANSFER_EXPIRES = 300
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ?([^\r\n]*)")


@dataclass
class Transfer:
    """A REFER of the peer's. ``subscription`` is there once it was accepted."""

    request: Request
    transaction: ServerTransaction
    dialog: Dialog
    contact: str
    subscription: Subscription | None = None


class Transferring:
    """Both sides."""

    def __init__(self, core: AgentCore, calls: CallTable, subscriptions: Subscriptions) -> None:
        self._core = core
        self._calls = calls
        self._subscriptions = subscriptions
        self._transfers: dict[str, Transfer] = {}

    # -- a peer sends us -----------------------------------------------------------------------------------------

    def receive(self, request: Request, flow: Flow, transaction: ServerTransaction, identity: str) -> None:
        """A REFER outside of any call, such as to have a conference call somebody (RFC 4579 §5.5)."""
        if not request.contacts:
            transaction.respond(self._core.response(request, 400, reason="Bad Request: there must be a Contact"))
            return
        dialog = dialog_of_callee(request, self._core.ids.tag(), flow)
        user = request.uri.user if isinstance(request.uri, SipUri) else None
        self._begin(request, flow, transaction, dialog, self._core.contact(flow, user), "", identity)

    def receive_inside(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """A REFER in a call."""
        if call.dialog is None:
            transaction.respond(self._core.response(request, 481, call.local_tag))
        else:
            self._begin(request, flow, transaction, call.dialog, call.contact, call.handle, "")

    def _begin(
        self,
        request: Request,
        flow: Flow,
        transaction: ServerTransaction,
        dialog: Dialog,
        contact: str,
        call: str,
        identity: str,
    ) -> None:
        values = request.headers.get_all("Refer-To")
        try:
            if len(values) != 1:
                raise SipParseError("there must be one Refer-To")
            target = parse_name_address(values[0])
        except SipParseError as error:
            transaction.respond(self._core.response(request, 400, dialog.local.tag, f"Bad Request: {error}"))
            return
        handle = self._core.ids.handle("transfer")
        self._transfers[handle] = Transfer(request, transaction, dialog, contact)
        # The peer stops waiting then; nobody else would clear away what the application forgot.
        self._core.timers.start(self._core.settings.timers.timeout, lambda: self._forget_undecided(handle))
        self._core.emit(_requested(handle, call, request, target, flow, identity, self._replaced_by(target)))

    def _replaced_by(self, target: NameAddress) -> str:
        """The call of ours that a target is to replace, or ""."""
        headers = target.uri.headers if isinstance(target.uri, SipUri) else ""
        for name, _, value in (item.partition("=") for item in headers.split("&")):
            if name.lower() == "replaces":
                try:
                    call = self._calls.of_dialog(parse_replaces(unquote(value)).key)
                except SipParseError:
                    return ""
                return "" if call is None else call.handle
        return ""

    def accept(self, handle: str) -> None:
        """Say that we try (202), and that nothing came of it yet."""
        transfer = self._undecided(handle)
        event = EventHeader("refer", str(transfer.request.cseq.number))
        self._respond(transfer, 202)
        transfer.subscription = self._subscriptions.imply(event, transfer.dialog, transfer.contact, TRANSFER_EXPIRES)
        self._subscriptions.notify(transfer.subscription.handle, SIPFRAG, _fragment(100, ""))
        self._core.timers.start(TRANSFER_EXPIRES, lambda: self._forget(handle))

    def refuse(self, handle: str, status: int) -> None:
        """Do not try."""
        self._respond(self._undecided(handle), status)
        del self._transfers[handle]

    def report(self, handle: str, status: int, reason: str) -> None:
        """Tell the peer how the call to the target goes; a final status is the last."""
        transfer = self._transfers.get(handle)
        if transfer is None or transfer.subscription is None:
            raise CallStateError(f"there is no accepted transfer {handle}")
        if status < 200:
            self._subscriptions.notify(transfer.subscription.handle, SIPFRAG, _fragment(status, reason))
            return
        del self._transfers[handle]
        self._subscriptions.finish_with(
            transfer.subscription, Document(SIPFRAG, _fragment(status, reason)), "noresource"
        )

    def _respond(self, transfer: Transfer, status: int) -> None:
        response = self._core.response(transfer.request, status, transfer.dialog.local.tag)
        if status < 300:
            response.headers.add("Contact", transfer.contact)
        transfer.transaction.respond(response)

    def _undecided(self, handle: str) -> Transfer:
        transfer = self._transfers.get(handle)
        if transfer is None or transfer.subscription is not None:
            raise CallStateError(f"{handle} does not wait for a decision")
        return transfer

    def _forget(self, handle: str) -> None:
        self._transfers.pop(handle, None)

    def _forget_undecided(self, handle: str) -> None:
        transfer = self._transfers.get(handle)
        if transfer is not None and transfer.subscription is None:
            self.refuse(handle, 603)

    # -- we send a peer ------------------------------------------------------------------------------------------

    def transfer(self, handle: str, target: str, attended: str | None) -> None:
        """Ask the peer of a call to call ``target``, or to take the place that we have in the call ``attended``."""
        call = self._calls.get(handle)
        dialog = call.established_dialog()
        uri = self._place_in(attended) if attended is not None else parse_uri(target)
        flow = self._core.dialog_flow(dialog)
        if flow is None:
            self._calls.end_by_failure(call, 503)
            return
        request = dialog.make_request("REFER")
        request.headers.add("Contact", call.contact)
        request.headers.add("Refer-To", f"<{uri}>")
        request.headers.add("Referred-By", f"<{dialog.local.uri}>")
        self._core.start(request, flow, lambda result: self._on_result(handle, result), dialog=dialog)

    def _place_in(self, handle: str) -> SipUri:
        """The URI that reaches the other end of a call and replaces us there."""
        dialog = self._calls.get(handle).established_dialog()
        uri = dialog.remote_target
        if not isinstance(uri, SipUri):
            raise CallStateError(f"{handle} has no SIP address to send anybody to")
        replaces = Replaces(dialog.call_id, dialog.remote.tag or "0", dialog.local.tag or "0")
        return SipUri(
            uri.host, uri.user, uri.port, uri.scheme, uri.parameters, f"Replaces={quote(str(replaces), safe='')}"
        )

    def _on_result(self, handle: str, result: Response | Failure) -> None:
        if isinstance(result, Failure):
            self._core.emit(TransferRefused(handle, result.status, "no reply"))
        elif result.status >= 300:
            self._core.emit(TransferRefused(handle, result.status, printable(result.reason)))

    def receive_notify(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """How a transfer that we asked for goes."""
        try:
            event = parse_event(request.headers.get("Event") or "")
            state = parse_subscription_state(request.headers.get("Subscription-State") or "")
        except SipParseError:
            transaction.respond(self._core.response(request, 400, call.local_tag))
            return
        match = _STATUS_LINE.match(request.body.decode("utf-8", "replace"))
        if event.package != "refer":
            transaction.respond(self._core.response(request, 489, call.local_tag))
            return
        transaction.respond(self._core.response(request, 200, call.local_tag))
        if match is not None:
            status = int(match[1])
            self._core.emit(_progress(call.handle, status, match[2], state))


def _progress(call: str, status: int, reason: str, state: SubscriptionState) -> TransferProgress:
    return TransferProgress(call, status, printable(reason), state.is_over or status >= 200)


def _fragment(status: int, reason: str) -> bytes:
    clean = (reason or phrase(status)).replace("\r", " ").replace("\n", " ")
    return f"SIP/2.0 {status} {clean}\r\n".encode()


def _requested(
    handle: str, call: str, request: Request, target: NameAddress, flow: Flow, identity: str, replaces: str
) -> TransferRequested:
    return TransferRequested(
        transfer=handle,
        call=call,
        target=str(target.uri),
        target_name=target.shown_name,
        request_uri=printable(str(request.uri)),
        from_uri=printable(str(request.from_address.uri)),
        source=flow,
        identity=identity,
        replaces=replaces,
    )
