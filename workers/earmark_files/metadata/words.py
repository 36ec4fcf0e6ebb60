"""What the codes of skips and notes mean, in words for people; programs get the codes."""

from __future__ import annotations

_WORDS = {
    "bext_too_short": "this chunk is shorter than the format allows and is left as it is",
    "duplicate_bext": "there are several bext chunks; the first is used, the others are kept",
    "duplicate_id3": "there are several ID3 tags; the first is used, the others are kept",
    "duplicate_info": "there are several INFO lists; the last is used, the others are kept",
    "duplicate_ixml": "there are several iXML chunks; the first is used, the others are kept",
    "duplicate_vorbis_comment": (
        "there are several comment blocks; the first is used, the others are kept"
    ),
    "element_has_children": "this element holds others and is left as it is",
    "extension_mismatch": "the name says another kind of file than the content is, which counts",
    "foreign_metadata_handler": "the tags are in a form of QuickTime that Earmark keeps as it is",
    "format_without_tags": "this format holds no tags, so they go into a file beside it",
    "free_text_user": "this holds free text that a person wrote and is left as it is",
    "id3_before_flac": "there is an ID3 tag in front of the FLAC stream; it is kept",
    "id3_broken": "the ID3 tag is damaged and left as it is",
    "info_broken": "the INFO list is damaged and left as it is",
    "ixml_broken": "the iXML chunk is damaged and left as it is",
    "missing_pad": "a pad byte is missing; a write puts it in",
    "no_bext_chunk": "there is none, and none is to be made",
    "no_place_for_provenance": (
        "there is no place for the record of which tags are Earmark's, so they go into a file "
        "beside it"
    ),
    "not_representable": "this place cannot hold such a text",
    "numeric_genre": "the genre is a number from a list and is left as it is",
    "other_value": "something else is written here and is kept",
    "read_only": "the file, or its folder, must not be written to, so the tags go into another",
    "repeated": "this is there more than once, so it is left as it is",
    "taken": "somebody else has filled this field; what they wrote is kept",
    "too_large": "this is too large to be changed and is left as it is",
    "trailing_bytes": "there are bytes behind the end of the sound; they are kept",
    "unknown_data_size": "the length of the sound was never filled in; a write does",
    "unknown_provenance": "this record is not one this version understands; it is kept",
    "vorbis_broken": "the comment block is damaged and left as it is",
    "wrong_form_size": "the size in the file's header is wrong; a write puts it right",
    "wrong_riff_size": "the size in the file's header is wrong; a write puts it right",
}

_CONTAINERS = {
    "wav": "WAV",
    "aiff": "AIFF",
    "flac": "FLAC",
    "vorbis": "Ogg Vorbis",
    "opus": "Opus",
    "mp3": "MP3",
    "mp4": "M4A",
    "sidecar": "a sidecar",
}


def in_words(code: str) -> str:
    """Return what a code means, with the detail that may follow it behind a colon."""
    name, _, detail = code.partition(": ")
    words = _WORDS.get(name, name)
    return f"{words} ({detail})" if detail else words


def container_name(container: str) -> str:
    """Return what people call a kind of file."""
    return _CONTAINERS.get(container, container)
