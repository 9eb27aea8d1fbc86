"""Merge fields that were not replaced, told apart from the keys that real systems send."""

import pytest

from ccops.operations.occasion import KeyFault, KeyPlaceholder, for_key, for_post, is_placeholder, new_key

PLACEHOLDERS = [
    "[Invoice number]",
    "[Email]",
    "[your-email]",
    "[Contact0Email]",
    '[wpv-user field="email"]',
    "[[email]]",
    "{{ invoice.number }}",
    "{{12.order_id}}",
    "{{1}}",
    "{email}",
    "{entry_id}",
    "{Name (First):1.3}",
    "{!Contact.Email}",
    "{$email}",
    "{contactfield=email}",
    "{% invoice %}",
    "%%invoice%%",
    "%INVOICE%",
    "%DATE%",
    "%Invoice number%",
    "*|INVOICE|*",
    "~Contact.Id~",
    "~Order.OrderId~",
    "<invoice number>",
    "<%= id %>",
    "<?= $id ?>",
    "${invoice}",
    "null",
    "NULL",
    "undefined",
    "None",
    "NaN",
    "nil",
    "(null)",
    "#N/A",
    "[object Object]",
    "  [Invoice number]\n",
    "invoice-[Invoice number]",
    "order {{id}} of 2026",
    "order-%ORDER_ID%",
    "invoice-undefined",
    "order_null",
    "INV-NaN",
    "inv/None",
    "order-[object Object]",
    "[First name] [Last name]",
]
KEYS = [
    "evt_1NG8Du2eZvKYlo2CUI79vXWy",
    "in_1MtHbELkdIwHu7ixl4OzzPMv",
    "cs_test_a1b2c3d4e5",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "8XW12345AB678901C",
    "WH-2WR32451HC0233532-67976317FL4543714",
    "I-BW452GLLEP1G",
    "wc_order_58d2d042d1d1a",
    "727",
    "5678901234567",
    "gid://shopify/Order/450789469",
    "#1001",
    "1042",
    "invoice-1042",
    "RE 2026/0042",
    "RE~2026~0042",
    "2026-11-gift",
    "month:2026-11",
    "november-gift",
    "November gift",
    "welcome",
    "0b6f1e0e-3c1c-4d5a-9d8a-0a4a2b3c4d5e",
    "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
    "<CAF+20261122.1234@mail.example.org>",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "ann@example.org/2026-11",
    "ann+null@example.org",
    "order[5]",
    "[5]",
    "[2026-11] gift",
    "order-1042 [gift]",
    "order-1042 {gift}",
    "50% off 20% more",
    "100%",
    "caf%C3%A9-%C3%BC",
    "%C3%A9",
    "a%20b%20c",
    "nullmeier",
    "none-of-2026-is-lost",
    "banana",
    "~7",
    "a*b|c",
    "$5",
    "éclair-7",
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_merge_field_that_was_not_replaced_is_no_key(text: str) -> None:
    assert is_placeholder(text)
    with pytest.raises(KeyPlaceholder):
        for_key(text)


@pytest.mark.parametrize("text", KEYS)
def test_keys_of_real_systems_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)
    assert new_key(text) == text


@pytest.mark.parametrize("text", ["null@example.org", "undefined@example.org", "ann.None@example.org"])
def test_words_within_an_address_are_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize("text", ["{{email}}@example.org", "[name]@example.org", "*|NAME|*@example.org"])
def test_an_address_with_a_merge_field_is_a_placeholder(text: str) -> None:
    assert is_placeholder(text)


def test_the_fault_says_that_a_placeholder_was_not_replaced() -> None:
    with pytest.raises(KeyFault) as caught:
        for_key("[Invoice number]")
    assert str(caught.value) == 'the key "[Invoice number]" is a placeholder that was not replaced with a value.'


def test_a_key_that_was_stored_before_can_still_be_shown() -> None:
    assert for_post("[Invoice number]") == "post:[Invoice number]"


@pytest.mark.parametrize("mark", ["{", "{{", "[", "*|", "%%", "<", "~", "${", "%a"])
def test_countless_marks_are_read_at_once(mark: str) -> None:
    assert is_placeholder(mark * 500_000) in {True, False}
