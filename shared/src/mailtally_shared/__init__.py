"""The accounting model that all processes of mailtally share.

Records and columns, messages and the queue, the state in Redis, day files and tables, and the
way a process starts, logs and stops.
"""

import os

#: OpenBLAS, which comes with numpy, starts a thread for each core, with memory of its own. Nothing
#: here does linear algebra; imports are faster without these threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
#: pydantic looks for plugins in every installed distribution, at each start; there are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__version__ = "0.1.0"
