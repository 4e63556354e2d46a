"""What the API tells of people, layouts and how a picture is made, with the values that a fresh room has."""

from __future__ import annotations

from typing import Any

SEATING = {
    "mode": "order",
    "switch_after": 1.0,
    "hold": 3.0,
    "interval": 10.0,
    "lecturer": None,
    "pins": {},
    "show_without_video": True,
}
DECORATION = {
    "names": True,
    "signs": True,
    "speaker_frame": True,
    "banner": "",
    "caption": "",
    "scroll": True,
    "watermark": "",
    "logo": None,
    "logo_corner": "top_right",
    "clock": False,
    "clock_corner": "top_left",
    "time_zone": None,
    "fill": "fit",
}
GRIDS = {"1": 1, "2": 2, "4": 2, "9": 3, "16": 4}


def participant(identity: str, name: str, **changes: Any) -> dict[str, Any]:
    view = {
        "id": identity,
        "name": name,
        "kind": "browser",
        "microphone_muted": False,
        "speaker_muted": False,
        "camera_muted": False,
        "has_audio": True,
        "has_video": True,
        "speaking": False,
        "joined_at": "2026-01-02T08:00:00Z",
        "state": "connected",
        "layout": None,
        "watch": None,
        "camera_control": False,
        "camera_presets": None,
        "role": "member",
        "pin": None,
        "hidden": False,
        "gain": 0.0,
        "listen_gain": 0.0,
        "music": False,
        "muted_by_chair": [],
        "hide_self": False,
        "forwarded": None,
        "has_slots": True,
        "forwarded_sound": None,
        "has_voices": True,
        "seating": None,
        "content_choice": "auto",
    }
    return {**view, **changes}


def layout(name: str) -> dict[str, Any]:
    """What a layout looks like, roughly: as many columns as it needs."""
    side = GRIDS.get(name, 3)
    cells = [
        {"left": column / side, "top": row / side, "width": 1 / side, "height": 1 / side}
        for row in range(side)
        for column in range(side)
    ]
    return {"name": name, "custom": False, "cells": cells}
