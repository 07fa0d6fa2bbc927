"""What the generic way of shrinking a configuration gets wrong, by kind of model.

Numbers only; a mapping stands for a configuration inside the configuration. Knows nothing else.
"""

from typing import Any

OVERRIDES: dict[str, dict[str, Any]] = {}
