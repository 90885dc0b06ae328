from django.db import migrations, models
from django.db.models import F


def keep_the_order(apps, schema_editor):
    """What waits already goes on in the order in which it came."""
    task = apps.get_model("tasks_app", "Task")
    live = ("queued", "running", "paused")
    task.objects.using(schema_editor.connection.alias).filter(state__in=live).update(rank=F("pk"))


class Migration(migrations.Migration):
    dependencies = [("tasks_app", "0005_families")]

    operations = [
        migrations.AlterModelOptions(
            name="task",
            options={
                "default_permissions": ["view"],
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("cancel_task", "Can cancel and pause tasks"),
                    ("retry_task", "Can retry and resume tasks"),
                    ("rollback_task", "Can roll tasks back"),
                    ("move_task", "Can change the order of waiting tasks"),
                    ("view_metrics", "Can read the figures at /metrics"),
                ],
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
            },
        ),
        migrations.AddField(
            model_name="task",
            name="rank",
            field=models.BigIntegerField(default=0, verbose_name="place in the queue"),
        ),
        migrations.AddField(
            model_name="task",
            name="interrupted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="interrupted"),
        ),
        migrations.AddField(
            model_name="task",
            name="resumed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="resumed"),
        ),
        migrations.RunPython(keep_the_order, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="task", name="task_claim"),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["state", "queue", "-priority", "rank"], name="task_claim"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("resumed_at__isnull", False)),
                fields=["resumed_at"],
                name="task_resumed",
            ),
        ),
    ]
