import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.names
import agora.base.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("search_text", models.TextField(blank=True, default="", editable=False)),
                (
                    "name",
                    models.CharField(max_length=150, validators=[accounts.names.validate_name], verbose_name="Name"),
                ),
                ("name_key", models.CharField(editable=False, max_length=300)),
                ("description", models.TextField(blank=True, max_length=2000, verbose_name="Description")),
                ("is_personal", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("modified_at", models.DateTimeField(auto_now=True)),
                ("archived_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "project",
                "verbose_name_plural": "projects",
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("manager", "Manager"),
                            ("scientist", "Scientist"),
                            ("user", "User"),
                            ("observer", "Observer"),
                        ],
                        max_length=20,
                        verbose_name="Role",
                    ),
                ),
                ("added_at", models.DateTimeField()),
                ("added_by_name", models.CharField(blank=True, max_length=320)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="projects.project"
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
            },
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["name_key", "id"], name="project_by_name"),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["created_at", "id"], name="project_by_created"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_personal", True)), fields=("owner",), name="project_one_personal"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="project_has_a_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_personal", False), ("archived_at__isnull", True), _connector="OR"),
                name="project_personal_not_archived",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("account", "project"), name="membership_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["manager", "scientist", "user", "observer"])),
                name="membership_role_known",
            ),
        ),
        agora.base.models.CreateGramIndex("projects_project"),
    ]
