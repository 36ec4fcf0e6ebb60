"""iXML is spliced: named elements change, every other character stays as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from wavinfo import WavInfoReader

from earmark_files.metadata import Mode, Policy, TagSet, apply, plan_write, read_tags, undo
from earmark_files.metadata.xml_splice import XmlDocument, XmlError
from tests.audio_factory import chunk
from tests.unit.metadata import riff_builder as build
from tests.unit.metadata.contract import TAGS

GROUPS = re.compile(
    rb"[ \t\r\n]*<(USER|ASWG|BEXT|STEINBERG)>.*?</\1>|[ \t\r\n]*<(EARMARK)>.*?</\2>", re.S
)


def written(folder: Path, body: bytes, policy: Policy | None = None) -> tuple[Path, bytes]:
    path = folder / "sound.wav"
    path.write_bytes(build.wav(after=[chunk(b"iXML", body)]))
    apply(plan_write(path, TAGS, policy))
    return path, dict(build.chunks(path.read_bytes()))[b"iXML"]


def test_a_recorders_document_keeps_every_character_outside_our_elements(tmp_path: Path) -> None:
    _, after = written(tmp_path, build.RECORDER_IXML)
    user = re.search(rb"<USER>.*</USER>", build.RECORDER_IXML, re.S)
    assert user is not None
    assert GROUPS.sub(b"", after) == GROUPS.sub(b"", build.RECORDER_IXML)
    assert user.group() in after


def test_a_recorders_free_text_is_left_alone_and_the_reason_given(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(build.wav(after=[chunk(b"iXML", build.RECORDER_IXML)]))
    plan = plan_write(path, TAGS)
    assert ("ixml/USER", "free_text_user") in {(s.slot, s.reason) for s in plan.skips}
    assert not any(c.slot.startswith("ixml/USER") for c in plan.changes)
    assert any(c.slot == "ixml/ASWG/catId" for c in plan.changes)


def test_a_document_of_ours_is_read_to_its_end_by_wavinfo(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(build.wav())
    apply(plan_write(path, TAGS))
    found = {(scope, name): value for scope, name, value in WavInfoReader(str(path)).walk()}
    assert found["ixml", "track_list"] == []
    assert path.read_bytes().count(b"<TRACK_LIST>") == 1
    apply(plan_write(path, TagSet(), Policy.replace_own()))
    assert b"iXML" not in path.read_bytes()


def test_a_list_of_tracks_is_never_put_into_somebodys_document(tmp_path: Path) -> None:
    _, after = written(tmp_path, b"<BWFXML><IXML_VERSION>1.5</IXML_VERSION></BWFXML>")
    assert b"TRACK_LIST" not in after


def test_soundminers_elements_are_updated_and_none_is_doubled(tmp_path: Path) -> None:
    path, after = written(tmp_path, build.SOUNDMINER_IXML, Policy(default=Mode.REPLACE))
    for name in (b"CATEGORY", b"KEYWORDS", b"FXNAME", b"USER", b"ASWG", b"STEINBERG"):
        assert after.count(b"<" + name + b">") == 1, name
    assert b"<FXNAME>Big dog</FXNAME>" in after
    for kept in (b"<LIBRARY>Kennels</LIBRARY>", b"<RATING>***</RATING>", b"<isGenerated/>"):
        assert kept in after
    root = WavInfoReader(str(path)).ixml.parsed
    attributes = {a.findtext("NAME"): a.findtext("VALUE") for a in root.iter("ATTR")}
    assert attributes["MediaLibrary"] == "Kennels"
    assert attributes["MediaCategoryPost"] == "ANIMALS"


def test_soundminers_values_are_not_touched_by_default(tmp_path: Path) -> None:
    path, after = written(tmp_path, build.SOUNDMINER_IXML, Policy.replace_own())
    tags = read_tags(path)
    assert tags.get("catid") == "ANMLDog"
    assert b"<KEYWORDS>kennel, hound, dog, bark, h" in after
    apply(plan_write(path, TagSet(), Policy.replace_own()))
    final = dict(build.chunks(path.read_bytes()))[b"iXML"]
    assert b"<KEYWORDS>kennel, hound</KEYWORDS>" in final
    assert b"EARMARK" not in final


def test_elements_are_found_whatever_their_case(tmp_path: Path) -> None:
    body = b"<bwfxml><user><Keywords></Keywords><category></category></user></bwfxml>"
    _, after = written(tmp_path, body)
    assert after.lower().count(b"<keywords>") == 1
    assert b"<category>ANIMALS</category>" in after


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1"])
def test_the_encoding_is_kept(tmp_path: Path, encoding: str) -> None:
    declared = "ISO-8859-1" if encoding == "latin-1" else "UTF-16"
    text = f'<?xml version="1.0" encoding="{declared}"?><BWFXML><NOTE>Größe</NOTE></BWFXML>'
    if encoding == "utf-8-sig":
        text = text.replace("UTF-16", "UTF-8")
    before = text.encode(encoding)
    path, after = written(tmp_path, before)
    decoded = after.decode(encoding)
    assert "<NOTE>Größe</NOTE>" in decoded
    assert after[:4] == before[:4]
    assert read_tags(path).keywords == TAGS.keywords
    undo(apply(plan_write(path, TagSet(), Policy.replace_own())).record)
    assert dict(build.chunks(path.read_bytes()))[b"iXML"] == after


def test_a_chunk_of_nothing_but_padding_is_filled(tmp_path: Path) -> None:
    path, after = written(tmp_path, b"\0" * 1000)
    assert after.startswith(b"<?xml")
    assert read_tags(path).keywords == TAGS.keywords


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<A><B></A>", "not well-formed"),
        (b'<!DOCTYPE A [<!ENTITY x "y">]><A>&x;</A>', "document type"),
        (b"<A>" * 100 + b"</A>" * 100, "nested too deeply"),
        (b'<?xml version="1.0" encoding="UTF-8"?><A>\xff</A>', "encoding"),
        (b'<?xml version="1.0" encoding="klingon"?><A/>', "encoding"),
        (b"", "not well-formed"),
    ],
)
def test_documents_that_cannot_be_edited_safely_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(XmlError, match=reason):
        XmlDocument(body)


class TestXmlDocument:
    def test_unchanged_it_gives_back_every_byte(self) -> None:
        for body in (build.RECORDER_IXML, build.SOUNDMINER_IXML, b"\xef\xbb\xbf <A/>\n\0\0"):
            assert XmlDocument(body).to_bytes() == body

    def test_attributes_with_angle_brackets_do_not_confuse_it(self) -> None:
        document = XmlDocument(b"<A><B x='>' y=\"/>\" />t</A>")
        document.apply([document.set_text(document.root.find("B"), "new & <old>")])
        assert document.to_bytes() == b"<A><B x='>' y=\"/>\">new &amp; &lt;old&gt;</B>t</A>"

    def test_cdata_and_comments_with_our_names_are_not_elements(self) -> None:
        body = b"<A><!-- <USER>no</USER> --><![CDATA[<USER>no</USER>]]><USER>yes</USER></A>"
        document = XmlDocument(body)
        document.apply([document.set_text(document.root.find("USER"), "new")])
        assert document.to_bytes() == body.replace(b"<USER>yes<", b"<USER>new<")

    def test_an_appended_element_takes_the_indent_of_its_siblings(self) -> None:
        document = XmlDocument(b"<A>\r\n\t<B>1</B>\r\n</A>")
        document.apply([document.append(document.root, ["<C>2</C>"])])
        assert document.to_bytes() == b"<A>\r\n\t<B>1</B>\r\n\t<C>2</C>\r\n</A>"
        document.apply([document.remove(document.root.find("C"))])
        assert document.to_bytes() == b"<A>\r\n\t<B>1</B>\r\n</A>"

    def test_what_the_encoding_lacks_becomes_a_character_reference(self) -> None:
        document = XmlDocument(b'<?xml version="1.0" encoding="ISO-8859-1"?><A>x</A>')
        document.apply([document.set_text(document.root, "犬")])
        assert document.to_bytes().endswith(b"<A>&#29356;</A>")
