from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("classifiers", "0001_initial"),
        ("library", "0006_roles_in_libraries"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefreshCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("after", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="RefreshedFile",
            fields=[
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="library.audiofile",
                    ),
                ),
                ("content_key", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Cluster",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=200)),
                ("leader", models.BinaryField()),
                ("size", models.PositiveIntegerField()),
                (
                    "classifier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="classifiers.classifierversion",
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="library.library",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReviewItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("audio_hash", models.CharField(max_length=128)),
                ("name", models.CharField(max_length=200)),
                ("label", models.CharField(max_length=200)),
                ("mid", models.CharField(blank=True, default="", max_length=50)),
                ("classifier", models.CharField(max_length=300)),
                ("score", models.FloatField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("band", "between review and accept"),
                            ("conflict", "contradicts what a person wrote"),
                            ("blacklisted", "label that always waits"),
                            ("calibration", "random slice of accepted tags"),
                        ],
                        max_length=11,
                    ),
                ),
                ("rank", models.BigIntegerField()),
                ("wanted", models.PositiveSmallIntegerField(default=1)),
                ("opinions", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("decided", "Decided"),
                            ("outdated", "tag has gone or was set otherwise"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("right", "Right"), ("wrong", "Wrong"), ("unsure", "Unsure")],
                        default="",
                        max_length=6,
                    ),
                ),
                ("effect", models.BigIntegerField(blank=True, null=True)),
                ("change", models.BigIntegerField(blank=True, null=True)),
                ("holder", models.CharField(blank=True, default="", max_length=150)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="items",
                        to="review.cluster",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="review_items",
                        to="library.audiofile",
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="review_items",
                        to="library.library",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("accept", "the tag is right"),
                            ("reject", "the tag is wrong"),
                            ("replace", "wrong; these words are right"),
                            ("add", "right, and these words too"),
                            ("unsure", "cannot be told"),
                            ("skip", "later"),
                            ("undo", "an earlier decision is taken back"),
                        ],
                        max_length=7,
                    ),
                ),
                ("words", models.JSONField(blank=True, default=list)),
                ("comment", models.TextField(blank=True, default="")),
                ("reviewer", models.CharField(max_length=150)),
                ("batch", models.CharField(blank=True, default="", max_length=32)),
                ("library", models.CharField(max_length=200)),
                ("path", models.TextField()),
                ("audio_hash", models.CharField(max_length=128)),
                ("name", models.CharField(max_length=200)),
                ("label", models.CharField(max_length=200)),
                ("score", models.FloatField()),
                ("classifier", models.CharField(max_length=300)),
                ("kind", models.CharField(max_length=11)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="review.decision",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="decisions",
                        to="review.reviewitem",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="cluster",
            index=models.Index(
                fields=["library", "label", "classifier"], name="review_cluster_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["state", "rank", "id"], name="review_item_order_idx"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["library", "state", "rank"], name="review_item_library_idx"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["label", "state", "rank"], name="review_item_label_idx"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["kind", "state", "rank"], name="review_item_kind_idx"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["cluster", "state"], name="review_item_cluster_idx"),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.UniqueConstraint(
                fields=("file", "audio_hash", "name"), name="review_item_once_per_tag"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["band", "conflict", "blacklisted", "calibration"])
                ),
                name="review_item_kind_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("state", "open"), ("verdict", "")),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("state", "decided"),
                        ("verdict__in", ["right", "wrong", "unsure"]),
                    ),
                    models.Q(("closed_at__isnull", False), ("state", "outdated"), ("verdict", "")),
                    _connector="OR",
                ),
                name="review_item_state_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("holder", ""), ("lease_until__isnull", True)),
                    models.Q(
                        models.Q(("holder", ""), _negated=True),
                        ("lease_until__isnull", False),
                        ("state", "open"),
                    ),
                    _connector="OR",
                ),
                name="review_item_held_has_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__gte", 0), ("score__lte", 1)),
                name="review_item_score_valid",
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["reviewer", "-id"], name="review_decision_reviewer_idx"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("batch", ""), _negated=True),
                fields=["batch"],
                name="review_decision_batch_idx",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("action__in", ["accept", "reject", "replace", "add", "unsure", "skip", "undo"])
                ),
                name="review_decision_action_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action", "undo"), ("undoes__isnull", False)),
                    models.Q(models.Q(("action", "undo"), _negated=True), ("undoes__isnull", True)),
                    _connector="OR",
                ),
                name="review_decision_undo_names_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewer", ""), _negated=True),
                name="review_decision_reviewer_known",
            ),
        ),
    ]
