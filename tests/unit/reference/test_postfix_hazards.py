"""FORMATS 3.4, 3.5: content filters, and Postfix's numbered hazards."""

from __future__ import annotations

from tests.reference.postfix import Postfix
from tests.reference.settings import Settings
from tests.unit.reference import postfix_lines as lines
from tests.unit.reference.postfix_lines import ARRIVED, SUBMITTED, client, line, of, queued, removed
from tests.unit.reference.reading import IN, OUT, Short, read, shorts

DEFAULTS = Settings()
FOREIGN = "mx.example.net[192.0.2.25]:25"
FILTER = "127.0.0.1[127.0.0.1]:10024"
A, B = "4D2F1A0C5E", "9F9F9F9F9F"


def charged(text: str, settings: Settings = DEFAULTS) -> list[Short]:
    return shorts(read(Postfix(settings), text.encode(), settings))


def rejected(text: str) -> list[str]:
    return [reason for _, reason in read(Postfix(DEFAULTS), text.encode()).rejects]


def filtered(
    name: str = B, forwarded: str = f", orig_queue_id={A}, orig_client=x[192.0.2.1]"
) -> str:
    """Return what a message's second arrival logs, before the first's delivery line."""
    return client(name, f"localhost[127.0.0.1]{forwarded}") + queued(name, size=1400)


PASSED = of(
    "smtp",
    "to=<bob@example.com>",
    FILTER,
    said=f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {B}",
)
STORED = of("lmtp", "to=<bob@example.com>", "mx[private/lmtp]", name=B)
BOUNCED = of("bounce", "to=<bob@example.com>", "none", status="bounced", name=B)


def test_filter_a_after_queue_is_one_passage() -> None:
    text = ARRIVED + filtered() + PASSED + removed(A) + STORED + removed(B)
    assert charged(text) == [(IN, "example.com", 1400, "success", 1)]


def test_filter_a_its_being_submitted_is_inherited() -> None:
    assert charged(ARRIVED + filtered() + BOUNCED)[0][0] == IN
    assert charged(SUBMITTED + filtered() + BOUNCED)[0][0] == OUT


def test_filter_b_before_queue_who_logged_in_is_on_the_noqueue_line() -> None:
    proxy = line("smtpd", "NOQUEUE: client=home[192.0.2.7], sasl_method=PLAIN, sasl_username=a")
    accept = line(
        "smtpd",
        f"proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as {B}; from=<a@x> to=<b@y> proto=E",
    )
    behind = filtered(forwarded=", orig_client=home[192.0.2.7]").replace("[123]", "[456]")
    assert charged(proxy + behind + accept + BOUNCED)[0][0] == OUT
    assert charged(behind + accept + BOUNCED)[0][0] == IN
    other = accept.replace("[123]", "[789]")
    assert charged(proxy + behind + other + BOUNCED)[0][0] == IN


def test_filter_c_pipe_has_no_link_and_is_a_hop_by_its_service() -> None:
    text = (
        ARRIVED
        + of("pipe", "to=<bob@example.com>", "filter", said="delivered via filter service")
        + line("pickup", f"{B}: uid=65534 from=<a@sender.example>")
        + line("cleanup", f"{B}: message-id=<1@x>")
        + queued(B, size=1400)
        + STORED
    )
    assert charged(text) == [(IN, "example.com", 1400, "success", 1)]


def test_filter_d_milters_pass_once_and_their_lines_are_passed() -> None:
    reject = line("cleanup", f"{A}: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 no")
    assert charged(ARRIVED + reject) == []


def test_filter_e_instances_have_ids_of_two_queues_in_one_log() -> None:
    text = (
        (ARRIVED + PASSED).replace("postfix/", "postfix-in/")
        + filtered(forwarded="").replace("postfix/", "postfix-out/")
        + STORED.replace("postfix/", "postfix-out/")
    )
    assert charged(text) == [(IN, "example.com", 1400, "success", 1)]


def test_filter_f_on_another_machine_only_the_setting_tells() -> None:
    there = of(
        "smtp", "to=<bob@example.com>", "spam1[10.0.0.5]:25", said="250 Ok: queued as 7777777"
    )
    back = client(B, "spam1[10.0.0.5]") + queued(B, size=1400)
    text = ARRIVED + there + back + STORED
    assert len(charged(text)) == 2
    for inside in ("spam1", "10.0.0.5", "10.0.0.0/8"):
        assert charged(text, Settings(inside=(inside,))) == [
            (IN, "example.com", 1400, "success", 1)
        ]


def test_a_foreign_host_may_repeat_an_id_of_ours() -> None:
    text = (
        ARRIVED
        + client(B, "other.example[198.51.100.1]")
        + queued(B)
        + of("smtp", "to=<x@example.net>", FOREIGN, said=f"250 Ok: queued as {B}")
        + of("smtp", "to=<y@example.net>", FOREIGN, said=f"250 Ok: queued as {A}")
    )
    assert [record[0] for record in charged(text)] == [OUT, OUT]


def test_a_next_host_that_gives_the_message_back_to_us_is_a_hop() -> None:
    text = (
        ARRIVED
        + client(B, "mx.example.net[192.0.2.25]")
        + queued(B)
        + of("smtp", "to=<x@example.net>", FOREIGN, said=f"250 Ok: queued as {B}")
    )
    assert charged(text) == []


def test_hazard_3_5_1_the_size_line_repeats_per_retry() -> None:
    again = queued(A) + of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
    text = ARRIVED + again * 7 + queued(A) + of("smtp", "to=<x@example.net>", FOREIGN)
    assert charged(text) == [(OUT, "sender.example", 1200, "success", 8)]


def test_hazard_3_5_2_nrcpt_is_no_factor() -> None:
    text = ARRIVED + queued(A, nrcpt=9) + of("virtual", "to=<bob@example.com>", "virtual")
    assert charged(text) == [(IN, "example.com", 1200, "success", 1)]


def test_hazard_3_5_3_bcc_is_one_more_recipient() -> None:
    text = (
        ARRIVED
        + of("virtual", "to=<bob@example.com>, orig_to=<info@customer.example>", "virtual")
        + of("virtual", "to=<archive@isp.example>", "virtual")
    )
    assert [record[1] for record in charged(text)] == ["customer.example", "isp.example"]


def test_hazard_3_5_4_a_duplicate_target_counts_once_a_line() -> None:
    line = of("virtual", "to=<bob@example.com>, orig_to=<{}@example.com>", "virtual")
    assert len(charged(ARRIVED + line.format("info") + line.format("sales"))) == 2


def test_hazard_3_5_5_a_new_client_is_a_new_message_even_without_removed() -> None:
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
    new = client(A, "home[192.0.2.7]") + queued(A, sender="b@second.example", size=77)
    final = of("smtp", "to=<x@example.net>", FOREIGN)
    assert charged(ARRIVED + again + new + final) == [(OUT, "second.example", 77, "success", 1)]
    unsized = client(A, "home[192.0.2.7]")
    assert rejected(ARRIVED + unsized + final) == ["unknown-delivery"]


def test_hazard_3_5_5_an_id_is_reused_by_a_message_born_here() -> None:
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
    born = line("cleanup", f"{A}: message-id=<2@mx>") + queued(A, sender="", size=3000)
    final = of("smtp", "to=<x@example.net>", FOREIGN)
    assert charged(ARRIVED + again + removed(A) + born + final) == [(OUT, "mx", 3000, "success", 1)]


def test_hazard_3_5_6_removed_may_stand_before_the_last_delivery_line() -> None:
    late = of("virtual", "to=<bob@example.com>", "virtual", at="09:02:02")
    assert len(charged(ARRIVED + removed(A) + late)) == 1
    later = of("virtual", "to=<bob@example.com>", "virtual", at="09:02:03")
    assert rejected(ARRIVED + removed(A) + later) == ["unknown-delivery"]


BOUNCE = (
    line("cleanup", f"{B}: message-id=<2@mx>"),
    line("bounce", f"{A}: sender non-delivery notification: {B}"),
    queued(B, sender="", size=3000),
)


def test_hazard_3_5_7_a_bounce_is_charged_to_the_host_or_the_recipient() -> None:
    away = of("smtp", "to=<a@sender.example>", FOREIGN, name=B)
    here = of("virtual", "to=<ann@example.com>", "virtual", name=B)
    thrown = of("discard", "to=<a@sender.example>", "none", name=B)
    born, told, size = BOUNCE
    for order in (born + told + size, told + born + size):  # Up to 3.10, from 3.11.
        assert charged(order + away) == [(OUT, "mx", 3000, "success", 1)]
        assert charged(order + here) == [(IN, "example.com", 3000, "success", 1)]
        assert charged(order + thrown) == [(OUT, "mx", 3000, "discarded", 1)]


def test_hazard_3_5_8_bytes_went_out_though_deferred_and_attempts_tell() -> None:
    said = "conversation with mx timed out while sending end of data -- message may be sent more"
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred", said=said)
    text = ARRIVED + again + of("smtp", "to=<x@example.net>", FOREIGN)
    (record,) = read(Postfix(DEFAULTS), text.encode()).records
    assert (record.size, record.transferred) == (1200, 2400)


def test_hazard_3_5_9_unknown_clients() -> None:
    for who in ("unknown[192.0.2.1]", "unknown[unknown]", "x[2001:db8::1]:4711", "x[private/s]"):
        text = client(A, who) + queued(A) + of("virtual", "to=<bob@example.com>", "virtual")
        assert len(charged(text)) == 1


def test_hazard_3_5_10_others_are_passed() -> None:
    noise = (
        line("postscreen", "NOQUEUE: reject: RCPT from [192.0.2.1]:25: 550; from=<a@x>, to=<b@y>")
        + line("smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 <b@y>: no; from=<>")
        + line("dnsblog", "addr 192.0.2.1 listed by domain bl.example as 127.0.0.2")
        + line("anvil", "statistics: max connection rate 1/60s for (smtp:192.0.2.1) at Nov  8")
        + line("smtpd", "lost connection after DATA (5521 bytes) from x[192.0.2.1]")
        + line("qmgr", f"{A}: skipped, still being delivered")
        + line("local", "warning: table hash:/etc/aliases(0,lock) has changed")
    )
    reading = read(Postfix(DEFAULTS), noise.encode())
    assert (reading.passed, reading.lines) == (7, 7)


def test_hazard_3_5_11_what_was_held_is_sent_days_later() -> None:
    late = of("smtp", "to=<x@example.net>", FOREIGN).replace("Nov  8", "Nov 29")
    assert len(charged(ARRIVED + late)) == 1


def test_an_alias_forwards_as_a_new_message_and_part_may_bounce_under_the_old() -> None:
    text = (
        ARRIVED
        + line("cleanup", f"{B}: message-id=<1@x>")
        + of("local", "to=<staff@example.com>", "local", said=f"forwarded as {B}")
        + of("local", "to=<staff@example.com>", "local", status="bounced", said="loop")
        + queued(B, size=1500)
        + of("smtp", "to=<x@example.net>, orig_to=<staff@example.com>", FOREIGN, name=B)
    )
    assert charged(text) == [
        (IN, "example.com", 1200, "failure", 1),
        (OUT, "sender.example", 1500, "success", 1),
    ]


def test_seen_expiry_the_last_deferral_is_of_the_same_try() -> None:
    """FORMATS 17: attempts must not be counted once more."""
    again = queued(A) + of("smtp", "to=<x@example.net>", "none", status="deferred")
    expired = line("qmgr", f"{A}: from=<a@sender.example>, status=expired, returned to sender")
    (record,) = read(Postfix(DEFAULTS), (ARRIVED + again * 3 + expired).encode()).records
    assert (record.attempts, record.transferred) == (3, 3600)


def test_19_3_a_reply_that_names_a_filter_says_nothing_of_ours() -> None:
    said = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {B}"
    text = ARRIVED + of("smtp", "to=<x@example.net>", FOREIGN, said=said)
    assert [record[0] for record in charged(text)] == [OUT]


def test_19_6_a_status_in_the_reply_decides_nothing() -> None:
    said = "host said: 550 no, status=sent (250 ok), relay=virtual, status=sent (x)"
    text = ARRIVED + of("smtp", "to=<x@example.net>", FOREIGN, status="bounced", said=said)
    assert [record[3] for record in charged(text)] == ["failure"]


def test_19_7_a_reused_id_has_not_another_customers_size_and_sender() -> None:
    first = ARRIVED + of("smtp", "to=<x@example.net>", FOREIGN) + removed(A)
    assert charged(first + first.replace("sender.example", "b.example").replace("1200", "5"))[
        1
    ] == (
        OUT,
        "b.example",
        5,
        "success",
        1,
    )


def test_lines_of_other_programs_are_passed() -> None:
    text = lines.line("", "Nothing", program="cyrus/lmtp") + lines.line("x", "y", program="cron")
    reading = read(Postfix(DEFAULTS), text.encode())
    assert reading.passed == 2


def test_hazard_3_5_5_what_is_born_under_a_removed_id_has_no_size_yet() -> None:
    born = line("cleanup", f"{A}: message-id=<2@mx>")
    final = of("smtp", "to=<x@example.net>", FOREIGN)
    assert rejected(ARRIVED + removed(A) + born + final) == ["unknown-delivery"]


def test_hazard_3_5_5_a_size_under_a_removed_id_is_of_a_message_whose_arrival_was_not_read() -> (
    None
):
    refused = of("bounce", "to=<bob@example.com>", "none", status="bounced")
    assert charged(SUBMITTED + refused)[0][0] == OUT
    assert charged(SUBMITTED + removed(A) + queued(A) + refused)[0][0] == IN


def test_a_foreign_host_may_repeat_the_messages_own_id() -> None:
    arrived = client(A, "localhost[127.0.0.1]") + queued(A)
    final = of("smtp", "to=<x@example.net>", FOREIGN, said=f"250 Ok: queued as {A}")
    assert [record[0] for record in charged(arrived + final)] == [OUT]
