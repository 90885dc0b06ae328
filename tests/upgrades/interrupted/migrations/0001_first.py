from django.db import migrations, models


class Migration(migrations.Migration):
    """A table."""

    operations = [
        migrations.CreateModel("First", [("id", models.BigAutoField(primary_key=True))]),
    ]
