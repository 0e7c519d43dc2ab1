"""A laboratory of real mail servers: logs whose truth is known from clients and sinks.

``make mailservers`` runs it, as root, on Linux. A server that cannot be run is skipped; with ``CI``
and ``MAILTALLY_TEST_SERVERS`` set, it fails. ``MAILTALLY_TEST_MAIL_PACKAGES`` names the folder of
unpacked packages. ``make mailservers RECORD=1`` writes ``recorded/`` anew.

``packages``, ``network`` and ``sandbox`` make room, ``mail_host`` puts it together with ``syslog``
and a ``sink``; ``clients`` and sinks count; ``truth`` is what they know. Each server has a module,
and one of scenarios; ``suites`` lists them.
"""
