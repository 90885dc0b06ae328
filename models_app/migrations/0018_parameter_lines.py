from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0017_keys_of_servers'),
    ]

    operations = [
        migrations.AddField(
            model_name='ollamamodel',
            name='parameter_lines',
            field=models.JSONField(blank=True, null=True, verbose_name='Modelfile parameters'),
        ),
    ]
