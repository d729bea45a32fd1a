"""Print where the two interpreters differ now; `--write` brings the table of known differences up to date.

`python -m tests.interpreters --write`: rows that are new have `?` for whose way is AWS's, which the tests refuse.
"""

import sys

import yaml

from tests.interpreters.comparison import KNOWN, known, observed

HEADING = """\
# Where the embedded cloud's interpreter (ministack) and moto's differ, over the machines of machines.yaml. `aws`: whose
# way is AWS's. `python -m tests.interpreters --write` brings the lines up to date and keeps the rest.
"""

text = HEADING + yaml.safe_dump(observed().table(known()), sort_keys=False, width=118, allow_unicode=True)
if "--write" in sys.argv:
    KNOWN.write_text(text)
else:
    sys.stdout.write(text)
