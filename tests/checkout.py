"""Where this checkout is. Tests read its documents and sources; the product reads installed packages only."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
