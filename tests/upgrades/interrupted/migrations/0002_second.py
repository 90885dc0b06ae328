import os
import signal

from django.db import migrations, models


def end_here(apps, schema_editor):
    if "INTERRUPTED_GOES_ON" not in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)


class Migration(migrations.Migration):
    """A table and changed rows, then the end of the process."""

    dependencies = [("interrupted", "0001_first")]
    operations = [
        migrations.CreateModel("Second", [("id", models.BigAutoField(primary_key=True))]),
        migrations.RunSQL("DELETE FROM audit_app_auditrecord"),
        migrations.RunPython(end_here),
        migrations.RunSQL("SELECT 1"),
    ]
