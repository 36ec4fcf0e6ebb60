"""The odd corners of each format: old ID3 versions, crowded Ogg pages, QuickTime metadata ..."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3, TIT2, TXXX
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggvorbis import OggVorbis

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    MetadataError,
    Mode,
    Policy,
    TagSet,
    apply,
    id3,
    plan_write,
    read_tags,
    undo,
)
from earmark_files.metadata.atoms import encode_atom
from earmark_files.metadata.id3 import to_synchsafe
from earmark_files.metadata.ogg_pages import pages
from earmark_files.metadata.source import BytesSource
from tests.audio_factory import Tone, chunk, write_tone
from tests.unit.metadata import riff_builder as build
from tests.unit.metadata.contract import TAGS, decoded

TONE = Tone(seconds=0.3, rate=48000)


def tagged(path: Path) -> bytes:
    """Write, check audio and undo, and return the tagged bytes."""
    before, identity, sound = path.read_bytes(), audio_identity(path), decoded(path)
    record = apply(plan_write(path, TAGS)).record
    content = path.read_bytes()
    assert read_tags(path).keywords == TAGS.keywords
    assert audio_identity(path) == identity
    assert (decoded(path) == sound).all()
    assert plan_write(path, TAGS).is_noop
    undo(record)
    assert path.read_bytes() == before
    path.write_bytes(content)
    return content


def with_tag(path: Path, version: int, flags: int, body: bytes) -> Path:
    """Put a hand-made tag before the frames of an MP3."""
    header = b"ID3" + bytes([version, 0, flags]) + to_synchsafe(len(body))
    path.write_bytes(header + body + path.read_bytes())
    return path


@pytest.fixture
def mp3(tmp_path: Path) -> Path:
    return write_tone(tmp_path, "mp3", TONE)


class TestId3:
    def test_version_22_is_kept_and_read_by_mutagen(self, mp3: Path) -> None:
        frame = b"TT2\x00\x00\x05\x00Hund" + b"XYZ\x00\x00\x03abc"
        content = tagged(with_tag(mp3, 2, 0, frame))
        assert content[3] == 2
        assert frame in content
        assert str(MP3(mp3).tags["TXXX:KEYWORDS"]) == "dog, bark, hündisch, 犬"

    def test_unknown_and_private_frames_survive_byte_for_byte(self, mp3: Path) -> None:
        frames = b"".join(
            name + struct.pack(">IH", len(body), 0) + body
            for name, body in (
                (b"PRIV", b"owner\0" + bytes(range(256))),
                (b"XSOP", b"\x00sort"),
                (b"TSIZ", b"\x00123"),
                (b"TXXX", b"\x07broken"),
                (b"GEOB", b"\x00a/b\0f\0d\0" + b"\xff\xfb\x90\x00" * 9),
            )
        )
        assert frames in tagged(with_tag(mp3, 3, 0, frames))

    def test_an_unsynchronised_tag_is_read_and_rewritten_plainly(self, mp3: Path) -> None:
        body = b"PRIV" + struct.pack(">IH", 8, 0) + b"o\0\xff\x00\xe0\xff\x00\xe1"
        content = tagged(with_tag(mp3, 3, id3.UNSYNC, body.replace(b"\xff\x00", b"\xff\x00\x00")))
        assert b"o\0\xff\x00\xe0\xff\x00\xe1" in content
        assert content[5] == 0

    def test_an_extended_header_is_taken_off(self, mp3: Path) -> None:
        body = struct.pack(">IHI", 6, 0, 0) + b"TIT2" + struct.pack(">IH", 5, 0) + b"\0Hund"
        tagged(with_tag(mp3, 3, id3.EXTENDED, body))
        assert str(MP3(mp3).tags["TIT2"]) == "Hund"

    def test_itunes_sizes_in_version_24_are_understood(self, mp3: Path) -> None:
        body = b"TIT2" + struct.pack(">IH", 201, 0) + b"\0" + b"x" * 200
        assert b"\0" + b"x" * 200 in tagged(with_tag(mp3, 4, 0, body))
        assert str(MP3(mp3).tags["TIT2"]) == "x" * 200

    def test_padding_is_used_so_that_the_audio_stays_where_it_is(self, mp3: Path) -> None:
        tag = ID3()
        tag.add(TIT2(encoding=3, text="Hund"))
        tag.save(mp3, padding=lambda _: 4000)
        size = mp3.stat().st_size
        tagged(mp3)
        assert mp3.stat().st_size == size

    def test_a_broken_tag_is_refused_and_kept(self, mp3: Path) -> None:
        with_tag(mp3, 3, 0, b"TIT2" + struct.pack(">IH", 5000, 0) + b"\0x")
        plan = plan_write(mp3, TAGS)
        assert plan.container == "sidecar"
        assert "no_place_for_provenance" in plan.notes

    @pytest.mark.parametrize("version", [3, 4])
    def test_trailing_tags_are_not_audio(self, mp3: Path, version: int) -> None:
        identity = audio_identity(mp3)
        item = struct.pack("<II", 2, 0) + b"KEY\0hi"
        size = len(item) + 32
        ape = b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, 0xA0000000) + bytes(8) + item
        ape += b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, 1 << 31) + bytes(8)
        tail = ape + b"TAG" + b"x" * 125
        mp3.write_bytes(mp3.read_bytes() + tail)
        with_tag(mp3, version, 0, b"TIT2" + struct.pack(">IH", 5, 0) + b"\0Hund")
        assert audio_identity(mp3) == identity
        assert tagged(mp3).endswith(tail)

    def test_no_audio_means_no_mp3(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.mp3"
        path.write_bytes(b"ID3\x03\0\0" + to_synchsafe(20) + bytes(20) + b"hello" * 50)
        with pytest.raises(MetadataError):
            plan_write(path, TAGS)

    def test_rubbish_before_the_first_frame_is_kept(self, mp3: Path) -> None:
        mp3.write_bytes(bytes(417) + b"rubbish" + mp3.read_bytes())
        assert b"\0rubbish\xff" in tagged(mp3)

    @pytest.mark.parametrize("rest", [b"", b"\xff", b"\xff\xfb", b"\xff\xfb\x90"])
    def test_a_tag_with_next_to_nothing_behind_it_is_refused(
        self, tmp_path: Path, rest: bytes
    ) -> None:
        path = tmp_path / "cut.mp3"
        path.write_bytes(b"ID3\x03\0\0" + to_synchsafe(20) + bytes(20) + rest)
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "malformed_file"

    def test_a_damaged_wav_is_not_taken_for_an_mp3(self, tmp_path: Path) -> None:
        path = tmp_path / "damaged.wav"
        free_bit_rate = b"\xff\xfb\x00\x00" * 50
        path.write_bytes(b"RIFX" + build.wav(audio=build.AUDIO + free_bit_rate)[4:])
        assert plan_write(path, TAGS).container == "sidecar"
        path.write_bytes(b"XIFF" + build.wav(audio=build.AUDIO + free_bit_rate)[4:])
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "not_audio"

    def test_a_chance_match_is_no_frame(self, tmp_path: Path) -> None:
        path = tmp_path / "chance.mp3"
        noise = b"\xff\xfb\x90\x00" + b"no second frame follows " * 200
        path.write_bytes(b"ID3\x03\0\0" + to_synchsafe(20) + bytes(20) + noise)
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "malformed_file"

    @pytest.mark.parametrize("genre", ["(17)Rock", "17", "(Sound", "A/B", "Ä"])
    def test_odd_genres_read_back(self, mp3: Path, genre: str) -> None:
        apply(plan_write(mp3, TagSet(genre=genre)))
        assert read_tags(mp3).get("genre") == genre


class TestFlac:
    def test_pictures_and_repeated_comments_survive(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "flac-16", TONE)
        file = FLAC(path)
        picture = Picture()
        picture.data, picture.mime = bytes(range(256)) * 100, "image/png"
        file.add_picture(picture)
        file["artist"] = ["one", "two"]
        file.save()
        tagged(path)
        after = FLAC(path)
        assert after.pictures[0].data == picture.data
        assert after["artist"] == ["one", "two"]

    def test_comments_in_broken_utf8_are_kept(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "flac-16", TONE)
        FLAC(path).delete(path)
        entry = b"ARTIST=J\xfcrgen"
        body = struct.pack("<I", 1) + b"v" + struct.pack("<II", 1, len(entry)) + entry
        content = path.read_bytes()
        block = b"\x04" + len(body).to_bytes(3, "big") + body
        path.write_bytes(content[:42] + block + content[42:])
        assert entry in tagged(path)

    def test_a_file_without_comments_and_one_with_id3_around(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "flac-16", TONE)
        content = path.read_bytes()
        frames = content[content.index(b"\xff\xf8") :]
        bare = content[:4] + b"\x80" + content[5:42] + frames
        path.write_bytes(b"ID3\x03\0\0" + to_synchsafe(10) + bytes(10) + bare + b"TAG" + bytes(125))
        assert "id3_before_flac" in plan_write(path, TAGS).notes
        apply(plan_write(path, TAGS))
        assert path.read_bytes().endswith(b"TAG" + bytes(125))
        assert read_tags(path).keywords == TAGS.keywords


class TestOgg:
    @pytest.mark.parametrize("kilobytes", [1, 60, 130, 400])
    def test_a_cover_that_spills_over_pages_survives(self, tmp_path: Path, kilobytes: int) -> None:
        path = write_tone(tmp_path, "ogg-vorbis", TONE)
        file = OggVorbis(path)
        cover = base64.b64encode(bytes(range(256)) * (3 * kilobytes)).decode()
        file["metadata_block_picture"] = [cover]
        file.save()
        tagged(path)
        assert OggVorbis(path)["metadata_block_picture"] == [cover]

    @pytest.mark.parametrize("format_name", ["ogg-vorbis", "opus"])
    def test_when_pages_are_added_all_others_are_renumbered(
        self, tmp_path: Path, format_name: str
    ) -> None:
        path = write_tone(tmp_path, format_name, TONE)
        identity, before = audio_identity(path), path.read_bytes()
        count = len(list(pages(BytesSource(before))))
        words = tuple(f"a rather long keyword {n}" for n in range(9000))
        record = apply(plan_write(path, TagSet(keywords=words))).record
        found = list(pages(BytesSource(path.read_bytes())))
        assert len(found) > count
        assert [p.sequence for p in found] == list(range(len(found)))
        assert audio_identity(path) == identity
        assert (decoded(path) == decoded(path)).all()
        undo(record)
        assert path.read_bytes() == before

    def test_a_cut_off_last_page_is_refused(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "ogg-vorbis", TONE)
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "truncated"

    def test_chained_streams_keep_their_second_stream(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "ogg-vorbis", TONE)
        second = write_tone(tmp_path, "ogg-vorbis", Tone(seconds=0.1, rate=48000)).read_bytes()
        path.write_bytes(path.read_bytes() + second)
        apply(plan_write(path, TAGS))
        assert path.read_bytes().endswith(second)

    def test_other_codecs_get_a_sidecar(self, tmp_path: Path) -> None:
        path = tmp_path / "a.ogg"
        head = struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, 1, 0, 0, 1)
        path.write_bytes(head + b"\x08" + b"Speex   ")
        assert plan_write(path, TAGS).container == "sidecar"


class TestMp4:
    @pytest.fixture
    def m4a(self, tmp_path: Path) -> Path:
        return write_tone(tmp_path, "m4a", TONE)

    def test_other_items_survive_byte_for_byte(self, m4a: Path) -> None:
        file = MP4(m4a)
        file["covr"] = [bytes(range(256)) * 40]
        file["----:com.apple.iTunes:MOOD"] = [MP4FreeForm(b"wild"), MP4FreeForm(b"calm")]
        file["trkn"] = [(1, 9)]
        file["\xa9nam"] = ["a", "b"]
        file.save()
        tagged(m4a)
        after = MP4(m4a)
        for key in ("covr", "----:com.apple.iTunes:MOOD", "trkn", "\xa9nam"):
            assert after[key] == file[key]

    def test_free_room_is_used(self, m4a: Path) -> None:
        MP4(m4a).save(m4a, padding=lambda _: 5000)
        size = m4a.stat().st_size
        tagged(m4a)
        assert m4a.stat().st_size == size

    def test_a_numeric_genre_is_not_contradicted(self, m4a: Path) -> None:
        MP4(m4a).delete(m4a)
        content = m4a.read_bytes()
        data = encode_atom(b"data", struct.pack(">IIH", 0, 0, 18))
        insert_items(m4a, content, encode_atom(b"gnre", data))
        plan = plan_write(m4a, TAGS)
        assert ("mp4/©gen", "numeric_genre") in {(s.slot, s.reason) for s in plan.skips}
        apply(plan)
        assert b"gnre" in m4a.read_bytes()

    def test_quicktime_metadata_is_left_alone(self, m4a: Path) -> None:
        content = m4a.read_bytes().replace(b"mdirappl", b"mdtaappl")
        m4a.write_bytes(content)
        plan = plan_write(m4a, TAGS)
        assert plan.container == "sidecar"

    def test_a_file_without_any_user_data(self, m4a: Path) -> None:
        m4a.write_bytes(m4a.read_bytes().replace(b"udta", b"free"))
        tagged(m4a)

    def test_a_cut_off_file_is_refused(self, m4a: Path) -> None:
        m4a.write_bytes(m4a.read_bytes()[:-10])
        with pytest.raises(MetadataError) as refused:
            plan_write(m4a, TAGS)
        assert refused.value.code == "truncated"

    def test_a_fragmented_file_with_its_header_first_is_refused(self, m4a: Path) -> None:
        content = m4a.read_bytes()
        m4a.write_bytes(content + encode_atom(b"moof", bytes(8)))
        with pytest.raises(MetadataError, match="fragmented"):
            plan_write(m4a, TAGS)


def insert_items(path: Path, content: bytes, items: bytes) -> None:
    """Write a movie header with these items at the end of a file that has its header last."""
    at = content.index(b"moov") - 4
    movie = content[at:].replace(b"udta", b"free")
    handler = encode_atom(b"hdlr", struct.pack(">II4s4sIIB", 0, 0, b"mdir", b"appl", 0, 0, 0))
    meta = encode_atom(b"meta", bytes(4) + handler + encode_atom(b"ilst", items))
    movie = struct.pack(">I", len(movie) + len(meta) + 8) + movie[4:] + encode_atom(b"udta", meta)
    path.write_bytes(content[:at] + movie)


class TestAiff:
    def test_native_texts_and_unknown_chunks_are_kept(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "aiff-16", TONE)
        added = chunk(b"NAME", b"Hund", ">") + chunk(b"ANNO", b"bellt", ">")
        added += chunk(b"APPL", b"xyz", ">") + chunk(b"MARK", bytes(3), ">")
        content = path.read_bytes() + added
        path.write_bytes(content[:4] + struct.pack(">I", len(content) - 8) + content[8:])
        plan = plan_write(path, TAGS)
        apply(plan)
        assert added in path.read_bytes()
        assert read_tags(path).get("description") == "A dög barks twice & <howls>"
        assert ("aiff/ANNO", "bellt") in {(t.slot, t.value) for t in read_tags(path).found}

    @pytest.mark.parametrize(("cut", "code"), [(100, "truncated"), (-1, "malformed_file")])
    def test_damage_is_refused(self, tmp_path: Path, cut: int, code: str) -> None:
        path = write_tone(tmp_path, "aiff-16", TONE)
        content = path.read_bytes()
        path.write_bytes(content[:-cut] if cut > 0 else content.replace(b"COMM", b"COMN"))
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == code


def test_txxx_names_match_whatever_their_case(mp3: Path) -> None:
    tag = ID3()
    tag.add(TXXX(encoding=3, desc="Keywords", text="kennel"))
    tag.save(mp3)
    apply(plan_write(mp3, TAGS, Policy.merge_keywords()))
    frames = MP3(mp3).tags.getall("TXXX")
    assert [f.desc.upper() for f in frames].count("KEYWORDS") == 1


class TestRepeatedTags:
    """Where a value is there twice, nobody can say which counts: both are left alone."""

    def test_frames(self, mp3: Path) -> None:
        frame = b"TXXX" + struct.pack(">IH", 14, 0) + b"\0KEYWORDS\0dogs"
        with_tag(mp3, 3, 0, frame + frame.replace(b"dogs", b"cats"))
        plan = plan_write(mp3, TAGS, Policy.merge_keywords())
        assert ("id3/TXXX:KEYWORDS", "repeated") in {(s.slot, s.reason) for s in plan.skips}
        apply(plan)
        assert frame in mp3.read_bytes()
        assert read_tags(mp3).get("keywords") == "dogs"

    def test_items_of_an_m4a(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path, "m4a", TONE)
        data = encode_atom(b"desc", encode_atom(b"data", struct.pack(">II", 1, 0) + b"words"))
        insert_items(path, path.read_bytes(), data + data)
        apply(plan_write(path, TAGS))
        assert path.read_bytes().count(data) == 2
        assert read_tags(path).get("description") == "words"

    def test_elements_and_info_entries_of_a_wav(self, tmp_path: Path) -> None:
        body = b"<BWFXML><USER><NOTES>a</NOTES><NOTES>b</NOTES></USER></BWFXML>"
        entries = chunk(b"IKEY", b"one\0") + chunk(b"IKEY", b"two\0")
        path = tmp_path / "a.wav"
        path.write_bytes(build.wav(after=[chunk(b"iXML", body), chunk(b"LIST", b"INFO" + entries)]))
        plan = plan_write(path, TAGS, Policy(default=Mode.REPLACE))
        reasons = {s.slot for s in plan.skips if s.reason == "repeated"}
        assert reasons == {"ixml/USER/NOTES", "info/IKEY"}
        apply(plan)
        assert entries in path.read_bytes()
        apply(plan_write(path, TagSet(), Policy.replace_own()))
        assert read_tags(path).get("notes") == "a"
