"""Who waits for a call: an opaque handle, which travels with the request and lies in the ledger until the call is over.

Only the file in `resume/` that writes to this kind of waiter knows what the text means: today a Step Functions task
token. Whoever holds it can answer in the vendor's name, so it is never logged and never part of a `repr`.
"""

from typing import NewType

Waiter = NewType("Waiter", str)
