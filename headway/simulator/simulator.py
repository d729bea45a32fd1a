"""One simulated vendor as an ASGI application: its shape behind the ingress, and the control routes beside it.

A contract file is shape enough (`described`). A vendor that deserves a closer likeness is a module with a class like
`Replicate` and a line in `SHAPES`.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import httpx
from headway_lane.contract.exchange import BodyFormat, Callback
from headway_lane.contract.vendor import Vendor
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from headway.errors import CannotBePlayed
from headway.simulator.account import Account
from headway.simulator.background import Background
from headway.simulator.callbacks import CallbackSender
from headway.simulator.described import Described
from headway.simulator.faults import Faults
from headway.simulator.ingress import CONTROL_PREFIX, Ingress, ScopeLog, way_of
from headway.simulator.jobs import Jobs
from headway.simulator.offer import Offer
from headway.simulator.replicate import Replicate
from headway.simulator.shape import MakeShape, ShapeParts
from headway.simulator.signed_callback import STANDARD
from headway.simulator.vendor_report import VendorReport

MAX_CALLBACK_CONNECTIONS = 50


SHAPES: dict[str, MakeShape] = {"replicate": Replicate}


@dataclass(frozen=True, slots=True)
class Role:
    """Whom the simulator plays: what makes the shape, and what its callbacks are like."""

    make_shape: MakeShape
    callback: Callback = STANDARD

    @classmethod
    def named(cls, shape: str) -> Self:
        """Play one of SHAPES."""
        return cls(SHAPES[shape])

    @classmethod
    def described(cls, contract: Mapping[str, Any]) -> Self:
        """Play the vendor of a contract document; CannotBePlayed where it calls back through Amazon SNS, or by XML."""
        if contract.get("callback", {}).get("body") == BodyFormat.SNS:
            raise CannotBePlayed("`callback.body` is `sns`: the simulator has no certificate to sign with")
        if contract.get("callback", {}).get("body") == BodyFormat.XML:
            raise CannotBePlayed("`callback.body` is `xml`: the simulator writes JSON and forms")
        return cls(partial(Described, contract), Vendor.from_document(contract).callback or STANDARD)


REPLICATE = Role.named("replicate")


class Simulator:
    """Holds the state of one vendor; `app` serves it, `report` judges it."""

    def __init__(self, offer: Offer, *, role: Role = REPLICATE, client: httpx.AsyncClient | None = None) -> None:
        self._client = client or httpx.AsyncClient(
            trust_env=False,  # a proxy of the environment must not get in the way of the loopback
            limits=httpx.Limits(max_connections=MAX_CALLBACK_CONNECTIONS),
        )
        self._faults = Faults()
        self._background = Background()
        self._jobs = Jobs(offer)
        self._callbacks = CallbackSender(offer, self._faults, self._client, role.callback)
        self.account = Account()
        self._shape = role.make_shape(
            ShapeParts(self.account, offer, self._faults, self._jobs, self._callbacks, self._background)
        )
        self._logs = {scope: ScopeLog(rate) for scope, rate in offer.rates.items()}
        if offer.shared:
            self._logs = dict.fromkeys(self._logs, ScopeLog(offer.submit))
        self.app = Starlette(
            routes=[*self._shape.routes(), *self._control_routes()],
            middleware=[
                Middleware(
                    Ingress,
                    classifier=self._shape,
                    logs=self._logs,
                    faults=self._faults,
                    way_s=way_of(offer.way_jitter_s, offer.seed),
                )
            ],
            lifespan=self._lifespan,
        )

    def report(self) -> VendorReport:
        """Say what the vendor has seen. May be called from another thread."""
        return VendorReport(
            vendor=self._shape.name,
            scopes={scope.value: log.report() for scope, log in self._logs.items()},
            jobs_by_status=self._jobs.jobs_by_status(),
            callbacks=self._callbacks.counts,
            repeated_idempotency_key_count=self._jobs.repeated_idempotency_key_count,
            payload_submitted_twice_count=self._jobs.payload_submitted_twice_count,
            jobs_in_flight=self._jobs.in_flight,
        )

    async def reset(self) -> None:
        """Forget everything: jobs and callbacks under way, counts, faults."""
        await self._background.cancel()
        self._jobs.reset()
        self._callbacks.reset()
        self._faults.reset()
        for log in self._logs.values():
            log.reset()

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._background.cancel()
            await self._client.aclose()

    def _control_routes(self) -> list[BaseRoute]:
        return [
            Route(CONTROL_PREFIX + "health", self._answer_health, methods=["GET"]),
            Route(CONTROL_PREFIX + "report", self._answer_report, methods=["GET"]),
            Route(CONTROL_PREFIX + "reset", self._answer_reset, methods=["POST"]),
            Route(CONTROL_PREFIX + "faults", self._answer_faults, methods=["POST"]),
        ]

    async def _answer_health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "vendor": self._shape.name})

    async def _answer_report(self, request: Request) -> Response:
        body = self.report().as_json(arrivals=request.query_params.get("arrivals") == "1")
        if name := request.query_params.get("tags"):
            body["tags"] = self._jobs.tags(name)
        return JSONResponse(body)

    async def _answer_reset(self, _request: Request) -> Response:
        await self.reset()
        return Response(status_code=204)

    async def _answer_faults(self, request: Request) -> Response:
        try:
            self._faults.update(json.loads(await request.body()))
        except ValueError as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        return JSONResponse(self._faults.as_json())
