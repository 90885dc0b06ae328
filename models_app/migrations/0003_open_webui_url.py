from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("models_app", "0002_list_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="ollamaserver",
            name="open_webui_url",
            field=models.CharField(
                blank=True, default="", max_length=500, verbose_name="address of Open WebUI"
            ),
        ),
    ]
