"""Dispatching one request (hop 3): record it, wait for its turn, start its Express workflow."""

import json
from typing import TYPE_CHECKING

from functions.contract.profile import Profiles
from functions.contract.vendor import Scope
from functions.dispatcher.request import CallRequest, task_token_of
from functions.errors import ErrorCode, Malformed
from functions.ledger.record import CallState
from functions.ledger.settlement import Settler
from functions.ledger.store import Ledger
from functions.limiter.delay import Pacer, pause_us

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


class Dispatcher:
    """Dispatches the requests of one vendor; clients and clocks are arguments."""

    def __init__(
        self,
        vendor_name: str,
        profiles: Profiles,
        ledger: Ledger,
        settler: Settler,
        pacer: Pacer,
        step_functions: "SFNClient",
        machine_arn: str,
    ) -> None:
        self._vendor_name = vendor_name
        self._profiles = profiles
        self._ledger = ledger
        self._settler = settler
        self._pacer = pacer
        self._step_functions = step_functions
        self._machine_arn = machine_arn

    def dispatch(self, body: str) -> bool:
        """Start the Express workflow of one request message. False for a duplicate delivery.

        Malformed requests fail their waiting task at once and raise, so that the queue moves them to its DLQ.
        """
        request = self._read(body)
        vendor = self._profiles.vendor(self._vendor_name)
        if not self._ledger.enqueue(request, vendor.record_ttl_s):
            known = self._ledger.find(request.call_id)
            if known is None or known.state is not CallState.QUEUED:
                return False
        tuning = self._profiles.tuning(vendor)
        self._pacer.wait(pause_us(tuning, vendor.max_rps(Scope.SUBMIT), vendor.dispatch.maximum_concurrency))
        self._step_functions.start_execution(
            stateMachineArn=self._machine_arn,
            input=json.dumps(
                {
                    "call_id": request.call_id,
                    "vendor": request.vendor,
                    "idempotency_key": request.idempotency_key,
                    "payload": request.payload,
                }
            ),
        )
        return True

    def _read(self, body: str) -> CallRequest:
        try:
            return CallRequest.from_body(body, self._vendor_name)
        except Malformed as error:
            token = task_token_of(body)
            if token:
                self._settler.fail(token, ErrorCode.REQUEST_MALFORMED, str(error))
            raise
