from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0020_think_levels'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatsession',
            name='format_schema',
            field=models.JSONField(blank=True, null=True, verbose_name='schema of answers'),
        ),
    ]
