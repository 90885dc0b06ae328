import django.db.models.deletion
from django.db import migrations, models

INDEX = "models_app_ollamamodel_server_id_bf828574"


class Migration(migrations.Migration):
    """By SQL of its own: Django would copy the whole table on SQLite, without its triggers."""

    dependencies = [
        ("models_app", "0016_gpu_problem"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ollamamodel",
            index=models.Index(fields=["server", "key"], name="key_of_server"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{INDEX}"',
                    f'CREATE INDEX "{INDEX}" ON "models_app_ollamamodel" ("server_id")',
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="ollamamodel",
                    name="server",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="models",
                        to="models_app.ollamaserver",
                        verbose_name="server",
                    ),
                )
            ],
        ),
    ]
