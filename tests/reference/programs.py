"""All programs whose lines one log may have, with one queue of messages between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.courier import Courier
from tests.reference.cyrus import Cyrus
from tests.reference.dovecot import Dovecot
from tests.reference.exim import Exim
from tests.reference.messages import Messages
from tests.reference.opensmtpd import Opensmtpd
from tests.reference.postfix import Postfix
from tests.reference.qmail import Qmail
from tests.reference.sendmail import Sendmail
from tests.reference.stats import Stats

if TYPE_CHECKING:
    from tests.reference.log import Program
    from tests.reference.settings import Settings


def all_programs(settings: Settings) -> list[Program]:
    messages = Messages()
    return [
        Postfix(settings, messages),
        Dovecot(settings),
        Exim(settings, messages),
        Courier(settings, messages),
        Sendmail(settings, messages),
        Opensmtpd(settings, messages),
        Cyrus(settings),
        Qmail(),
        Stats(),
    ]
