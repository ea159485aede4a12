"""How long a test waits for what comes at once on an idle machine.

It is long, since it costs nothing where all is well, and a busy machine makes nobody's code wrong.
"""

from __future__ import annotations

LIMIT_S = 180.0
