"""What the menu shows and says, in Chinese and English: pages of text, and the names of sound files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mcu.gateway.menu_dialogue import MenuStep, Prompt, Say, Show
from mcu.media.spec import PageSpec

LANGUAGES = ("zh", "en")

_TITLES: Mapping[MenuStep, tuple[str, str]] = {
    MenuStep.NUMBER: ("请输入会议号", "Enter the conference number"),
    MenuStep.PIN: ("请输入密码", "Enter the PIN"),
    MenuStep.WAITING: ("请稍候…", "One moment…"),
    MenuStep.TELLING: ("您的会议号", "Your conference number"),
    MenuStep.LEAVING: ("再见", "Goodbye"),
    MenuStep.OVER: ("再见", "Goodbye"),
}

_END = ("以 # 键结束", "End with #")
_NEW = ("按 * 键新建会议", "Press * for a new conference")
_BACK = ("按 * 键返回", "Press * to go back")
_GO_ON = ("按任意键进入会议", "Press any key to join")

_TROUBLE: Mapping[Prompt, tuple[str, str]] = {
    Prompt.UNKNOWN_NUMBER: ("没有这个会议号", "There is no such conference"),
    Prompt.WRONG_PIN: ("密码不正确", "The PIN is not right"),
    Prompt.NO_ENTRY: ("现在无法进入该会议", "This conference cannot be joined now"),
}


def page(show: Show, languages: Sequence[str], may_begin: bool) -> PageSpec:
    """The page for a step; the first language is the title's, the other stands below."""
    chosen = [LANGUAGES.index(language) for language in languages if language in LANGUAGES] or [0, 1]
    title = _TITLES[show.step]
    lines: list[tuple[str, str]] = []
    if show.trouble is not None and show.trouble in _TROUBLE:
        lines.append(_TROUBLE[show.trouble])
    if show.step is MenuStep.NUMBER:
        lines += [_END, *([_NEW] if may_begin else [])]
    elif show.step is MenuStep.PIN:
        lines += [_END, _BACK]
    elif show.step is MenuStep.TELLING:
        lines.append(_GO_ON)
    below = [title[index] for index in chosen[1:]]
    below += [" · ".join(line[index] for index in chosen) for line in lines]
    code = " ".join(show.typed) if len(show.typed) <= 10 else show.typed
    return PageSpec(title=title[chosen[0]], lines=tuple(below), code=code)


def files(say: Say, folder: Path, languages: Sequence[str]) -> tuple[str, ...]:
    """The sound files of a prompt, in one language after the other (``scripts/make_prompts.py`` makes them)."""
    names = [say.prompt.value, *(f"digit_{digit}" for digit in say.digits if digit.isdigit())]
    return tuple(str(folder / language / f"{name}.wav") for language in languages for name in names)
