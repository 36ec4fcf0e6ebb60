"""What the classifiers said, or why they could not."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from earmark.classifiers.models import ClassifierVersion


class PredictionSet(models.Model):
    """What one classifier version says about one piece of audio, kept once however many files.

    `scores` is a list of ``[position, score, start, end]``, highest score first: the label's
    position in `ClassifierVersion.labels`, the clip score in [0, 1], and the seconds of the
    window that spoke most for it (or null). `earmark.jobs.scores` packs and unpacks it.
    `timeline` holds the scores of the windows (`earmark.jobs.timeline`). `embedding` describes
    the whole sound: the mean over its windows, of length one, as little-endian float16. Both are
    null in results of versions that did not keep them; `embedding` also where the classifier
    has none.
    """

    classifier = models.ForeignKey(
        ClassifierVersion, on_delete=models.PROTECT, related_name="prediction_sets"
    )
    audio_hash = models.CharField(max_length=128)
    scores = models.JSONField()
    timeline = models.BinaryField(null=True)
    embedding = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "predictions"
        verbose_name_plural = "predictions"
        constraints = [
            models.UniqueConstraint(
                fields=["audio_hash", "classifier"], name="jobs_predictionset_audio_uniq"
            ),
            models.CheckConstraint(
                condition=~Q(audio_hash=""), name="jobs_predictionset_audio_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.classifier_id} on {self.audio_hash}"


class PredictionFailure(models.Model):
    """That one classifier version cannot do one piece of audio, and why.

    Runs that look for what is missing leave such pairs out: the same would come of it. A changed
    file is other audio, a mended classifier another version; a forced run tries again.
    """

    classifier = models.ForeignKey(
        ClassifierVersion, on_delete=models.PROTECT, related_name="prediction_failures"
    )
    audio_hash = models.CharField(max_length=128)
    code = models.CharField(max_length=64)
    message = models.TextField(blank=True, default="")
    failed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["audio_hash", "classifier"], name="jobs_predictionfailure_audio_uniq"
            ),
            models.CheckConstraint(
                condition=~Q(audio_hash=""), name="jobs_predictionfailure_audio_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.classifier_id} on {self.audio_hash}: {self.code}"
