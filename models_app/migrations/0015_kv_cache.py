from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0014_batch_unmade'),
    ]

    operations = [
        migrations.AddField(
            model_name='ollamamodel',
            name='kv_cache',
            field=models.JSONField(blank=True, null=True, verbose_name='key-value cache'),
        ),
    ]
