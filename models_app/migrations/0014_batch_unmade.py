from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0013_rival_reports'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='unmade',
            field=models.JSONField(default=dict, verbose_name='bytes still to be reserved'),
        ),
    ]
