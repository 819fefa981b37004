"""Files of do-not-disturb registries, and what they stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.interaction import Identifier
from enlace.domain.registry_file import Columns, Registered, columns_of, read_line
from enlace.errors import InvalidPayload
from enlace.rules import default_rules
from enlace.usecases.consents import Consents, consent_key
from enlace.usecases.import_registry import ADDED, INVALID, KNOWN, ImportRegistry
from local.memory_consents import MemoryConsents
from tests.stores.builders import KEYS

NUMBER, OTHER = "+5511987650101", "(11) 3765-0102"
NOW = "2026-11-23T12:00:00.000Z"
PLAIN = Columns(0, None, None, ",")


class TestColumns:
    @pytest.mark.parametrize(
        ("first", "line", "expected"),
        [
            ("Telefone", "11987650101", ("11987650101", "")),
            (
                "DDD;Telefone;Data Cadastro",
                "11;987650101;03/02/2026",
                ("11987650101", "2026-02-03"),
            ),
            (
                '"phone","since"',
                '"+55 11 98765-0101","2026-02-03"',
                ("+55 11 98765-0101", "2026-02-03"),
            ),
            ("\ufeffid\tMSISDN", "7\t5511987650101", ("5511987650101", "")),
        ],
    )
    def test_are_known_by_their_names(
        self, first: str, line: str, expected: tuple[str, str]
    ) -> None:
        columns, named = columns_of(first)
        read = read_line(line, columns)
        assert named and read is not None
        assert (read.phone, read.since[:10]) == expected

    def test_a_file_without_names_has_the_number_first_and_the_date_second(self) -> None:
        columns, named = columns_of("11987650101;20260203")
        assert not named
        assert read_line("11987650101;20260203", columns) == Registered(
            "11987650101", "2026-02-03T00:00:00.000Z"
        )

    def test_names_without_a_number_are_refused(self) -> None:
        with pytest.raises(InvalidPayload, match="phone numbers"):
            columns_of("cpf;nome")


@pytest.mark.parametrize("line", [",2026-01-01", "11987650101,amanhã", "11987650101,2026-13-01"])
def test_a_line_that_cannot_be_read_is_told_without_what_it_says(line: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        read_line(line, Columns(0, None, 1, ","))
    assert "98765" not in str(refused.value) and "amanh" not in str(refused.value)


class Scene:
    def __init__(self) -> None:
        self.now = NOW
        self.consents = Consents(
            MemoryConsents(), policy=ConsentPolicy(), now=lambda: self.now, sleep=lambda _: None
        )

    def enter(
        self, *lines: str, columns: Columns = PLAIN, registry: str = "nao_me_perturbe"
    ) -> dict[str, int]:
        import_ = ImportRegistry(
            self.consents, KEYS, default_rules(), registry=registry, now=lambda: self.now
        )
        counts, errors = import_(list(enumerate(lines, 1)), columns)
        self.errors = errors
        return dict(counts)

    def may(self, purpose: str, channel: str, number: str = NUMBER) -> bool:
        key = consent_key(Identifier("phone", number), KEYS, default_rules())
        (answer,) = [
            one
            for one in self.consents.look_up(key, ((purpose, channel),))
            if (one.purpose, one.channel) == (purpose, channel)
        ]
        self.reason = answer.ruling.reason
        return answer.ruling.allowed

    def says(self, state: str, channel: str, at: str, **more: str) -> None:
        key = consent_key(Identifier("phone", NUMBER), KEYS, default_rules())
        record = ConsentRecord(
            f"{state}-{channel}-{at}",
            "marketing",
            channel,
            state,
            "subject",
            at,
            at,
            has_evidence=True,
        )
        stops = {more["scope"]: more["reason"]} if more else None
        self.consents.record(key, replace(record), stops=stops)


@pytest.fixture
def scene() -> Scene:
    return Scene()


class TestImport:
    def test_stops_calls_of_marketing_and_nothing_else(self, scene: Scene) -> None:
        """Não Me Perturbe: by voice only."""
        for channel in ("sms", "voice", "whatsapp"):
            scene.says("granted", channel, "2026-01-01T00:00:00.000Z")
        assert scene.may("marketing", "voice")

        assert scene.enter(NUMBER, OTHER) == {ADDED: 2}

        assert not scene.may("marketing", "voice") and scene.reason == "registry"
        assert scene.may("marketing", "sms") and scene.may("marketing", "whatsapp")
        assert scene.may("transactional", "voice")

    def test_again_adds_nothing_and_counts_from_the_first_time(self, scene: Scene) -> None:
        scene.enter(NUMBER)
        scene.now = "2026-12-23T12:00:00.000Z"
        scene.says("granted", "voice", "2026-12-01T00:00:00.000Z")

        assert scene.enter("11 98765-0101", "551187650101") == {KNOWN: 2}

        assert scene.may("marketing", "voice"), "their own later yes is about us"

    def test_a_later_day_of_registration_is_a_new_no(self, scene: Scene) -> None:
        columns = Columns(0, None, 1, ",")
        scene.enter(f"{NUMBER},2026-02-03", columns=columns)
        scene.says("granted", "voice", "2026-03-01T00:00:00.000Z")
        assert scene.may("marketing", "voice")
        assert scene.enter(f"{NUMBER},2026-02-03", columns=columns) == {KNOWN: 1}
        assert scene.may("marketing", "voice")
        assert scene.enter(f"{NUMBER},2026-04-01", columns=columns) == {ADDED: 1}
        assert not scene.may("marketing", "voice")

    def test_an_agents_yes_lifts_it_never(self, scene: Scene) -> None:
        scene.enter(NUMBER)
        key = consent_key(Identifier("phone", NUMBER), KEYS, default_rules())
        later = "2026-12-01T00:00:00.000Z"
        said = ConsentRecord("a", "marketing", "voice", "granted", "agent", later, later)
        scene.now = "2026-12-23T12:00:00.000Z"
        scene.consents.record(key, said)
        assert not scene.may("marketing", "voice")

    @pytest.mark.parametrize("scope", ["voice", "marketing", "all"])
    def test_lifts_nothing_that_stands(self, scene: Scene, scope: str) -> None:
        scene.says(
            "withdrawn", "voice", "2026-01-01T00:00:00.000Z", scope=scope, reason="hard_bounce"
        )
        before = [scene.may(p, "voice") for p in ("marketing", "transactional")]
        scene.enter(NUMBER)
        assert [scene.may(p, "voice") for p in ("marketing", "transactional")] == before

    def test_a_date_ahead_counts_from_today(self, scene: Scene) -> None:
        scene.enter(f"{NUMBER},2031-01-01", columns=Columns(0, None, 1, ","))
        scene.now = "2026-12-23T12:00:00.000Z"
        scene.says("granted", "voice", "2026-12-01T00:00:00.000Z")
        assert scene.may("marketing", "voice")

    def test_lines_that_are_none_are_told_by_number_and_reason(self, scene: Scene) -> None:
        assert scene.enter(NUMBER, "123", "", ",") == {ADDED: 1, INVALID: 2, "empty": 1}
        assert [number for number, _ in scene.errors] == [2, 4]
        assert "123" not in str(scene.errors)

    @pytest.mark.parametrize("name", ["", "Não", "a", "x" * 50, "a/b"])
    def test_a_registry_has_a_name(self, scene: Scene, name: str) -> None:
        with pytest.raises(InvalidPayload):
            scene.enter(NUMBER, registry=name)
