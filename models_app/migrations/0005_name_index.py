from django.db import migrations

from models_app.search.installing import install, remove


class Migration(migrations.Migration):
    dependencies = [
        ("models_app", "0004_batches"),
    ]

    operations = [
        migrations.RunPython(install, remove),
    ]
