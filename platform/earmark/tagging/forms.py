"""Forms of the admin in which policies and thesaurus entries are edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from earmark.tagging.knowledge import Combine, InvalidPolicyError, Parents, TagPolicy
from earmark.tagging.knowledge.policy_text import read_setting, write_setting
from earmark.tagging.knowledge.thesaurus import Entry
from earmark.tagging.knowledge.thesaurus_csv import cells_of, read_entry
from earmark.tagging.models import PolicyChange, ThesaurusEntry
from earmark.tagging.selectors import entry_of, get_policy

if TYPE_CHECKING:  # Django's own class takes no type arguments when it runs
    ChangeForm = forms.ModelForm[PolicyChange]
    EntryForm = forms.ModelForm[ThesaurusEntry]
else:
    ChangeForm = EntryForm = forms.ModelForm

_LINES = {"separator": "\n"}
_HELP = {
    "accept": "A label with this score or more is written.",
    "review": "A label between this and the above waits for a person; below it is dropped.",
    "sure": "From here on a label is no tie, and a cascade asks nobody else.",
    "label_thresholds": "One a line, such as: Dog = 0.5",
    "denied": "Words never written, one a line.",
    "allowed": "If anything stands here, only these labels are accepted. One a line.",
    "max_labels": "Most labels of one file; empty for no limit.",
    "max_words": "Most words of one file, labels first; empty for no limit.",
    "synonyms_per_label": "Most synonyms beside one label.",
    "combine": "How the scores of several classifiers become one.",
    "tie_margin": "Siblings closer than this leave their place to their parent; 0 for never.",
    "parents": "Whether the everyday word above a label is written too: Dog beside Bark.",
    "languages": "Languages of the thesaurus that are written, such as de; one a line.",
    "search_hypernyms": "Whether WordNet's broader words find a file too; never written.",
}
_LONG = ("label_thresholds", "denied", "allowed", "languages")


def _field(name: str, value: Any) -> forms.Field:
    if isinstance(value, bool):
        return forms.BooleanField(required=False, help_text=_HELP[name])
    if name in ("combine", "parents"):
        kinds: type[Combine] | type[Parents] = Combine if name == "combine" else Parents
        return forms.ChoiceField(choices=[(k.value, k.value) for k in kinds], help_text=_HELP[name])
    widget = forms.Textarea(attrs={"rows": 4}) if name in _LONG else forms.TextInput
    needed = name not in (*_LONG, "max_labels", "max_words")
    return forms.CharField(required=needed, help_text=_HELP[name], widget=widget)


class PolicyForm(ChangeForm):
    """All settings of a policy; `policy` holds it once the form is valid."""

    policy: TagPolicy

    class Meta:
        model = PolicyChange
        fields = ["library", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = self.instance.policy
        values = shown.values if shown else get_policy(library=self.instance.library).values
        for name, value in TagPolicy.from_values(values).values.items():
            self.fields[name] = _field(name, value)
            text = write_setting(value, **_LINES)
            self.initial.setdefault(name, value if isinstance(value, bool) else text)
            if value is None:
                self.initial[name] = ""
        self.fields["library"].help_text = "Empty: all libraries that have no policy of their own."
        self.fields["library"].disabled = self.instance.pk is not None
        self.fields["note"].help_text = "Why it is changed, for the history."
        self.initial["note"] = ""

    def clean(self) -> dict[str, Any]:
        """Put the policy together and say where it contradicts itself."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            self.policy = TagPolicy.from_values(
                {
                    name: value if isinstance(value, bool) else read_setting(name, value)
                    for name, value in cleaned.items()
                    if name not in ("library", "note")
                }
            )
        except InvalidPolicyError as error:
            raise ValidationError(f"{error}.", code=error.code) from error
        return cleaned


class ThesaurusForm(EntryForm):
    """One term; `entry` holds it once the form is valid."""

    entry: Entry
    synonyms = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Separated by semicolons. Empty: WordNet's. A single -: none.",
    )
    forbidden = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Words never written; where one would be, the preferred word is.",
    )
    translations = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Such as: de=Hund; fr=chien",
    )

    class Meta:
        model = ThesaurusEntry
        fields = ["library", "term", "preferred"]
        help_texts = {
            "library": "Empty: all libraries that say nothing else about the term.",
            "term": "A label, or any word that might be written.",
            "preferred": "Written in its place; empty: the term itself.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            cells = cells_of(entry_of(self.instance))
            self.initial.update(zip(("synonyms", "forbidden", "translations"), cells, strict=True))
            self.fields["library"].disabled = self.fields["term"].disabled = True

    def clean(self) -> dict[str, Any]:
        """Read the entry and say what is wrong with it."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        names = ("term", "preferred", "synonyms", "forbidden", "translations")
        self.entry, problems = read_entry(*(cleaned[name] for name in names))
        if problems:
            raise ValidationError([f"{problem}." for problem in problems])
        taken = ThesaurusEntry.objects.filter(library=cleaned["library"], term_key=self.entry.key)
        if taken.exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is an entry about this term; edit that one.")
        return cleaned
