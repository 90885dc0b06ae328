from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0018_parameter_lines'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatsession',
            name='format',
            field=models.CharField(blank=True, choices=[('json', 'JSON')], max_length=16, null=True, verbose_name='format of answers'),
        ),
        migrations.AddField(
            model_name='chatsession',
            name='verbose',
            field=models.BooleanField(blank=True, null=True, verbose_name='figures after an answer'),
        ),
    ]
