"""Messages of H.224's client management entity (clause 9): which clients each side has, and what those can do."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media.camera.errors import CameraProtocolError

_CLIENT_LIST, _EXTRA_CAPABILITIES = 0x01, 0x02
_MESSAGE, _COMMAND = 0x00, 0xFF
_HAS_MORE = 0x80
_EXTENDED, _NON_STANDARD = 0x7E, 0x7F
_MORE_OCTETS = {_EXTENDED: 1, _NON_STANDARD: 5}

# Six clients have a number so far; a list longer than this is no list.
MAX_CLIENTS = 32


@dataclass(frozen=True, slots=True)
class ClientList:
    """The standard clients that the sender has; ``with_capabilities`` are those that can tell more of themselves."""

    clients: tuple[int, ...]
    with_capabilities: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ClientListCommand:
    """Send your list of clients."""


@dataclass(frozen=True, slots=True)
class ExtraCapabilities:
    """What a client can do, in words of its own."""

    client: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ExtraCapabilitiesCommand:
    """Send what this client can do."""

    client: int


ManagementMessage = ClientList | ClientListCommand | ExtraCapabilities | ExtraCapabilitiesCommand


def parse_management(data: bytes) -> ManagementMessage:
    """Read the data of a management frame. Raises CameraProtocolError."""
    if len(data) < 2:
        raise CameraProtocolError(f"management message of {len(data)} octets")
    match data[0], data[1]:
        case (0x01, 0xFF):
            return ClientListCommand()
        case (0x01, 0x00):
            return _client_list(data)
        case (0x02, 0xFF) if len(data) > 2:
            return ExtraCapabilitiesCommand(data[2] & 0x7F)
        case (0x02, 0x00) if len(data) > 2:
            client = data[2] & 0x7F
            return ExtraCapabilities(client, data[3 + _MORE_OCTETS.get(client, 0) :])
    raise CameraProtocolError(f"management message {data[0]:#04x} {data[1]:#04x}")


def _client_list(data: bytes) -> ClientList:
    if len(data) < 3 or data[2] > MAX_CLIENTS:
        raise CameraProtocolError("list of clients without a sensible count")
    clients: list[int] = []
    with_capabilities: set[int] = set()
    at = 3
    for _ in range(data[2]):
        if at >= len(data):
            raise CameraProtocolError("list of clients that is shorter than it says")
        client = data[at] & 0x7F
        clients.append(client)
        if data[at] & _HAS_MORE:
            with_capabilities.add(client)
        at += 1 + _MORE_OCTETS.get(client, 0)
    return ClientList(tuple(clients), frozenset(with_capabilities))


def serialise_management(message: ManagementMessage) -> bytes:
    """The data of a management frame. Only standard clients are written."""
    match message:
        case ClientListCommand():
            return bytes((_CLIENT_LIST, _COMMAND))
        case ClientList(clients, with_capabilities):
            marked = (client | (_HAS_MORE if client in with_capabilities else 0) for client in clients)
            return bytes((_CLIENT_LIST, _MESSAGE, len(clients), *marked))
        case ExtraCapabilitiesCommand(client):
            return bytes((_EXTRA_CAPABILITIES, _COMMAND, client))
        case ExtraCapabilities(client, data):
            return bytes((_EXTRA_CAPABILITIES, _MESSAGE, client | _HAS_MORE)) + data
