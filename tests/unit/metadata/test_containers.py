"""The contract of `contract.ContainerContract`, once for every container."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest
from mutagen.aiff import AIFF
from mutagen.flac import FLAC
from mutagen.id3 import COMM, ID3, TCON, TIT2, TXXX
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from wavinfo import WavInfoReader

from earmark_files.metadata import Policy, apply, plan_write, read_tags
from tests.audio_factory import chunk
from tests.unit.metadata.contract import OTHER, TAGS, ContainerContract


class _Id3Contract(ContainerContract):
    """Containers whose tags are ID3 frames, read and written by mutagen."""

    opener: Any

    def add_foreign(self, path: Path) -> None:
        file = self.opener(path)
        if file.tags is None:
            file.add_tags()
        for frame in (
            TXXX(encoding=3, desc="KEYWORDS", text="vendor word, dog"),
            TCON(encoding=3, text="Foley"),
            TIT2(encoding=3, text="Hund"),
            COMM(encoding=3, lang="deu", desc="iTunNORM", text="1234"),
        ):
            file.tags.add(frame)
        file.save()

    def foreign(self, path: Path) -> dict[str, str]:
        tags = self.opener(path).tags
        assert str(tags["COMM:iTunNORM:deu"]) == "1234"
        return {
            "keywords": str(tags["TXXX:KEYWORDS"]),
            "genre": str(tags["TCON"]),
            "title": str(tags["TIT2"]),
        }

    def independent(self, path: Path) -> dict[str, str]:
        tags = self.opener(path).tags
        assert str(tags["TIT3"]) == str(tags["COMM::eng"])
        return {
            "keywords": str(tags["TXXX:KEYWORDS"]),
            "genre": str(tags["TCON"]),
            "description": str(tags["TIT3"]),
            "catid": str(tags["TXXX:CATID"]),
        }


class TestAiff(_Id3Contract):
    format_name, container, opener = "aiff-24", "aiff", AIFF


class TestAifc(_Id3Contract):
    format_name, container, opener = "aifc-float", "aiff", AIFF


class TestMp3(_Id3Contract):
    format_name, container, opener = "mp3", "mp3", MP3


class TestMp3WithVersion23(TestMp3):
    """A file whose tag is ID3v2.3 and that also has ID3v1 at its end."""

    def make(self, folder: Path) -> Path:
        path = super().make(folder)
        tag = ID3()
        tag.add(TIT2(encoding=1, text="Hund"))
        tag.save(path, v1=2, v2_version=3)
        return path

    def test_version_and_id3v1_are_kept(self, path: Path) -> None:
        before = path.read_bytes()
        apply(plan_write(path, TAGS))
        after = path.read_bytes()
        assert after[3] == before[3] == 3
        assert after[-128:] == before[-128:]
        assert after[-128:-125] == b"TAG"


class _VorbisContract(ContainerContract):
    """Containers with Vorbis comments, read and written by mutagen."""

    opener: Any

    def add_foreign(self, path: Path) -> None:
        file = self.opener(path)
        if file.tags is None:
            file.add_tags()
        file["keywords"] = ["vendor word, dog"]
        file["Genre"] = ["Foley"]
        file["TITLE"] = ["Hund"]
        file.save()

    def foreign(self, path: Path) -> dict[str, str]:
        file = self.opener(path)
        return {key: "|".join(file[key]) for key in ("keywords", "genre", "title")}

    def independent(self, path: Path) -> dict[str, str]:
        file = self.opener(path)
        assert file["comment"] == file["description"]
        return {key: "|".join(file[key]) for key in ("keywords", "genre", "description", "catid")}


class TestFlac(_VorbisContract):
    format_name, container, opener = "flac-16", "flac", FLAC

    def test_other_blocks_and_their_order_are_kept(self, path: Path) -> None:
        file = FLAC(path)
        file.save(padding=lambda _: 100)
        riff = b"riff" + chunk(b"bext", b"x" * 602)
        content = path.read_bytes()
        at = 4 + 4 + 34
        block = bytes([2]) + len(riff).to_bytes(3, "big") + riff
        path.write_bytes(content[:at] + block + content[at:])
        apply(plan_write(path, TAGS))
        assert block in path.read_bytes()
        kinds = [b.code for b in FLAC(path).metadata_blocks]
        assert kinds == [0, 2, 4, 1]


class TestVorbis(_VorbisContract):
    format_name, container, opener = "ogg-vorbis", "vorbis", OggVorbis


class TestOpus(_VorbisContract):
    format_name, container, opener = "opus", "opus", OggOpus


class TestM4a(ContainerContract):
    format_name, container = "m4a", "mp4"

    def add_foreign(self, path: Path) -> None:
        file = MP4(path)
        file["----:com.earmark:KEYWORDS"] = [b"vendor word, dog"]
        file["\xa9gen"] = ["Foley"]
        file["\xa9nam"] = ["Hund"]
        file.save()

    def foreign(self, path: Path) -> dict[str, str]:
        file = MP4(path)
        return {
            "keywords": bytes(file["----:com.earmark:KEYWORDS"][0]).decode(),
            "genre": file["\xa9gen"][0],
            "title": file["\xa9nam"][0],
        }

    def independent(self, path: Path) -> dict[str, str]:
        file = MP4(path)
        assert file["\xa9cmt"] == file["desc"]
        return {
            "keywords": bytes(file["----:com.earmark:KEYWORDS"][0]).decode(),
            "genre": file["\xa9gen"][0],
            "description": file["desc"][0],
            "catid": bytes(file["----:com.earmark:CATID"][0]).decode(),
        }


class TestAlacInM4a(TestM4a):
    format_name = "m4a-alac"


class TestM4aWithHeaderFirst(TestM4a):
    """The movie header lies before the audio, so that growing it moves the audio."""

    def make(self, folder: Path) -> Path:
        path = super().make(folder)
        moved = path.with_name("fast.m4a")
        options = {"movflags": "+faststart"}
        with av.open(str(path)) as old, av.open(str(moved), "w", "ipod", options=options) as new:
            stream = new.add_stream_from_template(old.streams.audio[0])
            for packet in old.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = stream
                    new.mux(packet)
        assert moved.read_bytes().index(b"moov") < moved.read_bytes().index(b"mdat")
        return moved


class _WavContract(_Id3Contract):
    """WAV in all its forms: four containers at once, read by mutagen, wavinfo and exiftool."""

    container, opener = "wav", WAVE

    def add_foreign(self, path: Path) -> None:
        """Append INFO and iXML as a vendor's program does; mutagen cannot."""
        info = b"INFO" + chunk(b"IKEY", b"vendor word, dog\0") + chunk(b"IGNR", b"Foley\0")
        info += chunk(b"INAM", b"Hund\0")
        self.append(path, chunk(b"LIST", info))

    def append(self, path: Path, added: bytes) -> None:
        content = path.read_bytes() + added
        if content[:4] == b"RIFF":
            size = struct.pack("<I", len(content) - 8)
            path.write_bytes(content[:4] + size + content[8:])
        else:
            size = struct.pack("<Q", len(content) - 8)
            path.write_bytes(content[:20] + size + content[28:])

    def foreign(self, path: Path) -> dict[str, str]:
        info = WavInfoReader(str(path), info_encoding="utf-8").info
        return {"keywords": info.keywords, "genre": info.genre, "title": info.title}

    def independent(self, path: Path) -> dict[str, str]:
        reader = WavInfoReader(str(path), info_encoding="utf-8")
        texts = {e.tag: (e.text or "") for e in reader.ixml.parsed.iter()}
        assert texts["KEYWORDS"] == reader.info.keywords
        assert texts["DESCRIPTION"] == reader.info.subject == reader.info.comment
        assert reader.bext.description == texts["BWF_DESCRIPTION"] == "A dog barks twice & <howls>"
        assert texts["CATEGORYFULL"] == "ANIMALS-DOG"
        assert texts["category"] == texts["CATEGORY"] == reader.info.genre == "ANIMALS"
        return self.by_id3(path) | {"keywords": texts["KEYWORDS"], "catid": texts["catId"]}

    def by_id3(self, path: Path) -> dict[str, str]:
        return super().independent(path)


class TestWav16(_WavContract):
    format_name = "wav-16"

    @pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
    def test_exiftool_reads_the_same(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        command = ["exiftool", "-charset", "riff=utf8", "-s", "-G", str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = {tuple(x.strip() for x in line.split(":", 1)) for line in text.splitlines()}
        found = {" ".join(name.split()): value for name, value in lines}
        assert found["[RIFF] Description"] == "A dog barks twice & <howls>"
        assert found["[RIFF] Keywords"] == "dog, bark, hündisch, 犬"
        assert "Warning" not in text

    def test_info_is_the_last_chunk(self, path: Path) -> None:
        self.append(path, chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Hund\0")))
        self.append(path, chunk(b"SMED", b"private"))
        apply(plan_write(path, TAGS))
        content = path.read_bytes()
        at = content.rindex(b"LIST")
        assert at + 8 + struct.unpack_from("<I", content, at + 4)[0] == len(content)
        assert content.index(b"SMED") < at


class TestWav24(_WavContract):
    format_name = "wav-24"


class TestWavExtensible(_WavContract):
    format_name = "wav-extensible-24"


class TestWavFloat(_WavContract):
    format_name = "wav-f32"


class TestWavAdpcm(_WavContract):
    format_name = "wav-ima-adpcm"


class TestRf64(_WavContract):
    format_name = "rf64-24"

    def by_id3(self, path: Path) -> dict[str, str]:
        """Read the id3 chunk by itself: mutagen does not know RF64."""
        content = path.read_bytes()
        cut = path.with_name("cut.id3")
        cut.write_bytes(content[content.index(b"id3 ") + 8 :])
        tags = ID3(cut)
        cut.unlink()
        names = {"genre": "TCON", "description": "TIT3"}
        names |= {"keywords": "TXXX:KEYWORDS", "catid": "TXXX:CATID"}
        return {key: str(tags[name]) for key, name in names.items()}


class TestBw64(TestRf64):
    format_name = "bw64"


@pytest.mark.parametrize("extension", ["wav", "mp3", "flac", "txt"])
def test_the_content_counts_not_the_extension(tmp_path: Path, extension: str) -> None:
    path = TestVorbis().make(tmp_path)
    misnamed = path.rename(path.with_suffix(f".{extension}"))
    apply(plan_write(misnamed, OTHER, Policy()))
    assert read_tags(misnamed).container == "vorbis"
    assert OggVorbis(misnamed)["keywords"] == ["cat, dog"]
