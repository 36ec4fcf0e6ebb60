"""How items, decisions and what they teach look on a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from earmark.review.models import Decision, ReviewItem
from earmark.review.selectors import ItemView, LabelReport, LabelThreshold
from earmark.review.statistics import NOT_REACHED, Agreement, Share
from earmark_files.paths import display


def item_values(item: ReviewItem) -> dict[str, object]:
    """Return what is told of an item."""
    return {
        "item": item.pk,
        "library": item.file.library.name,
        "file": item.file_id,
        "path": display(item.file.location),
        "tag": item.name,
        "label": item.label,
        "score": item.score,
        "classifier": item.classifier,
        "kind": item.kind,
        "state": item.state,
        "verdict": item.verdict,
        "cluster": item.cluster_id,
        "held_by": item.holder,
    }


def item_line(item: ReviewItem) -> str:
    """Return the same in one line."""
    outcome = item.verdict or ("" if item.state == ReviewItem.State.OPEN else item.state)
    held = f"  ({item.holder} is at it)" if item.holder else ""
    return (
        f"{item.pk:>6}  {display(item.name)}  {item.score:.2f}  {item.kind:<11}  "
        f"{display(item.file.path)}{f'  {outcome}' if outcome else ''}{held}"
    )


def view_values(view: ItemView) -> dict[str, object]:
    """Return all that a reviewer needs to know of an item."""
    return {
        **item_values(view.item),
        "why": list(view.why),
        "against": view.against,
        "start": view.start,
        "end": view.end,
        "tags": [
            {"tag": tag.name, "decision": tag.decision, "confidence": tag.confidence}
            for tag in view.tags
        ],
        "said": view.evidence.as_dict(),
        "alike": view.alike,
        "neighbours": [asdict(one) for one in view.neighbours],
    }


def view_lines(view: ItemView) -> Iterator[str]:
    """Yield the same as lines."""
    item = view.item
    yield f"item {item.pk}: {display(item.file.location)}"
    yield f"  {display(item.name)}?  {item.score:.2f}  {ReviewItem.Kind(item.kind).label}"
    if view.against:
        yield f"  a person wrote {display(view.against)!r}"
    if view.why:
        yield f"  {display(' <- '.join(view.why))}"
    for decision, heading in (("accept", "has"), ("review", "also waiting")):
        tags = [tag for tag in view.tags if tag.decision == decision and tag.name != item.name]
        if tags:
            words = ", ".join(f"{tag.name} {tag.confidence or 0:.2f}" for tag in tags)
            yield f"  {heading}: {display(words)}"
    for name, value in view.evidence.as_dict().items():
        text = ", ".join(value) if isinstance(value, list) else value
        yield f"  said in {name.replace('_', ' ')}: {display(text)}"
    if view.alike > 1:
        yield f"  {view.alike} waiting items sound nearly the same"
    for one in view.neighbours:
        verdict = f", found {one.verdict}" if one.verdict else ""
        yield f"    like {display(one.path)} ({one.score:.2f}{verdict})"


def decision_values(decision: Decision) -> dict[str, object]:
    """Return what is told of a decision."""
    return {
        "decision": decision.pk,
        "item": decision.item_id,
        "action": decision.action,
        "words": decision.words,
        "comment": decision.comment,
        "reviewer": decision.reviewer,
        "batch": decision.batch,
        "undoes": decision.undoes_id,
        "library": decision.library,
        "path": decision.path,
        "tag": decision.name,
        "label": decision.label,
        "score": decision.score,
        "classifier": decision.classifier,
        "at": decision.created_at.isoformat(),
    }


def decision_line(decision: Decision) -> str:
    """Return the same in one line."""
    words = f" {', '.join(decision.words)}" if decision.words else ""
    comment = f"  {decision.comment!r}" if decision.comment else ""
    undone = "  taken back" if is_undone(decision) else ""
    what = f"{decision.action} {decision.name}" + (f":{words}" if words else "")
    return display(
        f"{decision.pk:>6}  {decision.created_at:%Y-%m-%d %H:%M}  {decision.reviewer}  "
        f"{what}  {decision.path}{comment}{undone}"
    )


def is_undone(decision: Decision) -> bool:
    """Whether somebody has taken a decision back."""
    return hasattr(decision, "undone_by")


def report_values(report: LabelReport) -> dict[str, object]:
    """Return what was found about a label."""
    return {
        **asdict(report),
        "agreement": asdict(report.agreement) | {"items": report.agreement.items},
    }


def report_line(report: LabelReport) -> str:
    """Return the same in one line."""
    return (
        f"{display(report.label)}  {report.classifier}  {report.right} right, "
        f"{report.wrong} wrong, {report.unsure} unsure; from {report.threshold:.2f} on: "
        f"precision {_share(report.precision)}, recall {_share(report.recall)}"
        f"{_agreement(report.agreement)}"
    )


def threshold_values(one: LabelThreshold) -> dict[str, object]:
    """Return the suggestion for a label."""
    return {
        "label": one.label,
        "classifier": one.classifier,
        "threshold": one.threshold,
        "suggested": one.suggestion.threshold,
        "reason": one.suggestion.reason,
        "precision": asdict(one.suggestion.precision),
        "recall": asdict(one.suggestion.recall),
    }


def threshold_line(one: LabelThreshold, wanted: float) -> str:
    """Return the same in one line."""
    told = one.suggestion
    head = f"{display(one.label)}  {one.classifier}  now {one.threshold:.2f}  "
    if told.threshold is not None:
        return (
            f"{head}suggested {told.threshold:.3f}: precision {_share(told.precision)}, "
            f"recall {_share(told.recall)}"
        )
    if told.reason == NOT_REACHED:
        return f"{head}no threshold surely gives {wanted:g}"
    return f"{head}nothing suggested: only {counted(told.precision.decisions, 'decision')}"


def counted(number: int, what: str) -> str:
    """Return ``1 item``, ``2 items``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _share(share: Share) -> str:
    if share.value is None:
        return "not known"
    rests_on = counted(share.decisions, "decision")
    return f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f}, {rests_on})"


def _agreement(found: Agreement) -> str:
    if not found.items:
        return ""
    same = found.both_right + found.both_wrong
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.2f}"
    return f"; two reviewers agree on {same} of {found.items}, kappa {kappa}"
