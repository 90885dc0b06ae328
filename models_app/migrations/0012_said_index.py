from django.db import migrations

from models_app.search.installing import install_said, remove_said


class Migration(migrations.Migration):
    dependencies = [
        ("models_app", "0011_host_reports"),
    ]

    operations = [
        migrations.RunPython(install_said, remove_said),
    ]
