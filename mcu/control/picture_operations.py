"""Operations on what pictures are made of: layouts, those of the catalogue and one's own, and logos."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from mcu.conference import commands
from mcu.conference.manager import ConferenceManager
from mcu.conference.picture.arrangement import AUTOMATIC_LAYOUT
from mcu.conference.picture.layout_store import NAME_PATTERN
from mcu.conference.picture.library import catalogue
from mcu.conference.picture.logos import Logo
from mcu.control.bodies import Body, json_answer, read_bytes
from mcu.control.png import MAXIMUM_BYTES, MEDIA_TYPE
from mcu.media.spec import CellSpec, LayoutSpec
from mcu.ports import Operation, Problem, actor_of, body_of

MAXIMUM_CELLS = 64
"""In a body; a layout may have fewer, and then says so itself."""


class CellView(BaseModel):
    """A tile's place in fractions of the picture, origin top left."""

    left: float
    top: float
    width: float
    height: float


class LayoutView(BaseModel):
    """A layout; ``custom``: made over the API. The first cell is the most prominent, later ones lie over earlier."""

    name: str
    custom: bool
    cells: list[CellView]


class LayoutList(BaseModel):
    """Names of all layouts, the automatic one first, and what each but the automatic one looks like."""

    layouts: list[str]
    details: list[LayoutView]


class NewCell(Body):
    """A tile's place in fractions of the picture, origin top left."""

    left: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
    top: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
    width: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    height: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class NewLayout(Body):
    """A layout of one's own. Cells lie inside the picture, and over each other only if ``overlap`` says so."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    cells: Annotated[list[NewCell], Field(min_length=1, max_length=MAXIMUM_CELLS)]
    overlap: bool = False


class LogoView(BaseModel):
    """A logo. Sizes in pixels."""

    id: str
    width: int
    height: int


class LogoList(BaseModel):
    """All logos."""

    logos: list[LogoView]


class PictureOperations:
    """Turns requests into commands, and the library after them into views."""

    def __init__(self, manager: ConferenceManager, body_seconds: float) -> None:
        self._manager = manager
        self._body_seconds = body_seconds

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "pictures"
        return [
            Operation("GET", "/layouts", self.layouts, "All layouts", "participant", response=LayoutList, tag=tag),
            Operation("POST", "/layouts", self.add_layout, "Make a layout of one's own",
                      request=NewLayout, response=LayoutView, status=201, tag=tag, errors=(409,)),
            Operation("DELETE", "/layouts/{name}", self.remove_layout, "Forget a layout of one's own",
                      status=204, tag=tag, errors=(409, 422)),
            Operation("GET", "/logos", self.logos, "All logos", "chair", response=LogoList, tag=tag),
            Operation("POST", "/logos", self.add_logo, "Keep a logo: the body is a PNG",
                      response=LogoView, status=201, tag=tag, errors=(408, 409, 413, 415, 422)),
            Operation("GET", "/logos/{id}", self.logo, "The picture of a logo", "chair", tag=tag, errors=(404,),
                      produces=MEDIA_TYPE),
            Operation("DELETE", "/logos/{id}", self.remove_logo, "Forget a logo", status=204, tag=tag,
                      errors=(404, 409)),
        ]  # fmt: skip

    async def layouts(self, request: web.Request) -> web.Response:
        """All layouts."""
        own = [_of_layout(layout, custom=True) for layout in await self._manager.library.layouts()]
        details = [*(_of_layout(layout, custom=False) for layout in catalogue()), *own]
        return json_answer(LayoutList(layouts=[AUTOMATIC_LAYOUT, *(one.name for one in details)], details=details))

    async def add_layout(self, request: web.Request) -> web.Response:
        """A new layout of one's own."""
        body = body_of(request, NewLayout)
        cells = tuple(CellSpec.model_validate(cell.model_dump()) for cell in body.cells)
        command = commands.AddLayout(body.name, cells, body.overlap)
        layout = await self._manager.execute(command, actor_of(request))
        if not isinstance(layout, LayoutSpec):
            raise TypeError("adding a layout gives a layout")
        return json_answer(_of_layout(layout, custom=True), 201)

    async def remove_layout(self, request: web.Request) -> web.Response:
        """Forget a layout of one's own."""
        await self._manager.execute(commands.RemoveLayout(request.match_info["name"]), actor_of(request))
        return web.Response(status=204)

    async def logos(self, request: web.Request) -> web.Response:
        """All logos."""
        return json_answer(LogoList(logos=[_of_logo(one) for one in await self._manager.library.logos()]))

    async def add_logo(self, request: web.Request) -> web.Response:
        """Keep a logo."""
        if request.content_type != MEDIA_TYPE:
            raise Problem(415, "Wrong content type", f"A logo must be of type {MEDIA_TYPE}.", "wrong_content_type")
        data = await read_bytes(request, self._body_seconds)
        if len(data) > MAXIMUM_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAXIMUM_BYTES, len(data))
        logo = await self._manager.execute(commands.AddLogo(data), actor_of(request))
        if not isinstance(logo, Logo):
            raise TypeError("adding a logo gives a logo")
        return json_answer(_of_logo(logo), 201)

    async def logo(self, request: web.Request) -> web.Response:
        """The picture itself."""
        data = await self._manager.library.logo(request.match_info["id"])
        if data is None:
            raise Problem(404, "No such logo", "There is no logo with this id.", "unknown_logo")
        return web.Response(body=data, content_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=86400"})

    async def remove_logo(self, request: web.Request) -> web.Response:
        """Forget a logo."""
        await self._manager.execute(commands.RemoveLogo(request.match_info["id"]), actor_of(request))
        return web.Response(status=204)


def _of_layout(layout: LayoutSpec, *, custom: bool) -> LayoutView:
    cells = [CellView.model_validate(cell.model_dump()) for cell in layout.cells]
    return LayoutView(name=layout.name, custom=custom, cells=cells)


def _of_logo(logo: Logo) -> LogoView:
    return LogoView(id=logo.id, width=logo.width, height=logo.height)
