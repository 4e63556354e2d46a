"""What of one leg is decoded and not yet played, and what is made up where something is missing. Pure."""

from __future__ import annotations

from collections import deque

from mcu.media.codec.audio_decoder import SoundDecodeError
from mcu.media.sound.concealment import Concealer
from mcu.media.sound.playout_packet import Packet
from mcu.media.sound.playout_trust import SenderTrust
from mcu.media.sound.samples import TICK_SAMPLES, Sound, join, silence

WARMING = 2
"""Frames that were left undecoded and are decoded after all before the first audible one: decoders have memory."""

_NOTHING = silence(3 * TICK_SAMPLES)
_NOTHING.flags.writeable = False
_NONE = _NOTHING[:0]


class ReadySound:
    """``sound`` is what is ready; all of it ``inaudible`` where nothing in it can be heard.

    ``drowsy``: what is known to be inaudible need not be decoded. ``starved_at`` is the position where sound ran out,
    while nothing newer has been played. ``concealed`` counts samples made up, ``undecodable`` frames.
    """

    def __init__(self) -> None:
        self.sound = silence(0)
        self.inaudible = True
        self.drowsy = False
        self.starved_at: int | None = None
        self.last_sequence: int | None = None
        self.concealed = self.undecodable = 0
        self._concealer = Concealer()
        self._trust = SenderTrust()
        self._skipped: deque[Packet] = deque(maxlen=WARMING)
        self._last: Packet | None = None  # the last one that was decoded

    @property
    def length(self) -> int:
        """Samples that are ready."""
        length: int = self.sound.shape[-1]
        return length

    @property
    def silent(self) -> bool:
        """Whether sound ran out, and what was made up instead has faded."""
        return self.starved_at is not None and self._concealer.faded_out

    def take(self, samples: int) -> Sound:
        """The first so many, which are used up."""
        taken, self.sound = self.sound[..., :samples], self.sound[..., samples:]
        return taken

    def restart(self) -> None:
        """The sender begins anew."""
        self.interrupt()
        self.starved_at = None
        self.last_sequence = None

    def interrupt(self) -> None:
        """What is ready will not be played; what follows is joined softly."""
        self._concealer.interrupt(self.length)
        self.sound = silence(0)

    # Frames

    def add(self, packet: Packet, skip: int) -> bool:
        """Decode a frame, but for its first ``skip`` samples, or take it for silence where that will do.

        True when it comes too late to mend the loss before it.
        """
        quiet = self.drowsy and self._trust.quiet(packet)
        if self.drowsy:
            self._trust.took(packet)
        if quiet:
            self._pass_over(packet, packet.duration - skip)
            return False
        return self._decode(packet, skip)

    def doze(self, packet: Packet) -> bool:
        """Take the next frame for silence and use it up at once, where nothing else is ready and nobody could hear it.

        False, and nothing has happened, where that will not do.
        """
        if self.sound.size or not self._trust.quiet(packet):
            return False
        self._trust.took(packet)
        self._skipped.append(packet)
        self.last_sequence = packet.sequence
        self.starved_at = None
        self.drowsy = self.inaudible = True
        self.sound = _NONE
        self._concealer.remember_silence()
        return True

    def leave_out(self, packet: Packet) -> None:
        """A frame of silence that is not played at all."""
        self._pass_over(packet, 0)

    def _pass_over(self, packet: Packet, samples: int) -> None:
        """Take a frame that nobody could hear for silence. It is kept, for the decoder's sake."""
        self._skipped.append(packet)
        self.last_sequence = packet.sequence
        self.starved_at = None
        self._concealer.remember_silence()
        ready = self.length
        if not ready:
            self.inaudible = True
        if self.inaudible and ready + samples <= _NOTHING.size:
            self.sound = _NOTHING[: ready + samples]
        else:
            self.sound = join(self.sound, silence(samples))

    def _decode(self, packet: Packet, skip: int) -> bool:
        try:
            while self._skipped:
                skipped = self._skipped.popleft()
                skipped.decoder.decode(skipped.data)
            sound = packet.decoder.decode(packet.data)[..., skip:]
        except SoundDecodeError:
            self.undecodable += 1
            return False
        after_loss = self.last_sequence is not None and packet.sequence > self.last_sequence + 1
        unmended = self.starved_at is not None and self._concealer.by_codec and after_loss
        self._last = packet
        self.last_sequence = packet.sequence
        self.starved_at = None
        self._trust.heard(packet, sound)
        sound = self._concealer.resume(sound)
        self._concealer.remember(sound)
        self._append(sound)
        return unmended

    def _append(self, sound: Sound) -> None:
        self.sound = join(self.sound, sound) if self.sound.size else sound
        self.inaudible = False

    # What is missing

    def bridge(self, packet: Packet, gap: int, missing: int) -> None:
        """Fill what is missing before a packet that is there. The last lost frame may be mended from it."""
        # A hole in the timestamps with none in the sequence numbers is the sender's silence, not a loss.
        lost = self.last_sequence is None or packet.sequence != self.last_sequence + 1
        last = self._last
        if lost and last is not None and packet.decoder is last.decoder and gap <= last.duration:
            made = packet.decoder.recover(packet.data, gap) if self._concealer.by_codec else None
            if made is not None:
                self.concealed += gap
                self._append(self._concealer.take_made_up(made))
                return
        self._fill_gap(missing, lost=lost)

    def starve(self, position: int, missing: int) -> None:
        """Nothing has come for ``position``: fade out over what is missing."""
        if self.starved_at is None:
            self.starved_at = position
        # After a frame that says so (DTX) the sender is silent by right.
        told = self._last is not None and self._last.quiet
        self._fill_gap(missing, lost=not told)

    def _fill_gap(self, samples: int, *, lost: bool) -> None:
        if lost and not self._concealer.faded_out:
            self.concealed += samples
            if self.drowsy:
                # Whatever is made up from what could not be heard could not be heard either.
                self._concealer.fall_silent()
            elif self._last is not None and self._concealer.by_codec:
                made = self._last.decoder.recover(None, samples)
                if made is not None:
                    self._append(self._concealer.take_made_up(made))
                    return
        self._append(self._concealer.conceal(samples))

    # Standing still

    def missing_tick(self, samples: int) -> Sound | None:
        """In place of a tick that is not there; None once there is nothing more to fade out."""
        return self._concealer.conceal(samples) if self._concealer.sounding else None

    def pause(self) -> None:
        """What is ready is kept for later, and what is heard meanwhile is made up."""
        self._concealer.interrupt(self.length)

    def go_on(self) -> None:
        """After a pause: what is ready is joined to what was made up."""
        if self.sound.size:
            self.sound = self._concealer.resume(self.sound)
            self._concealer.remember(self.sound)
