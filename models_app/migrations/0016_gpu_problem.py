from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0015_kv_cache'),
    ]

    operations = [
        migrations.AddField(
            model_name='hostreport',
            name='gpu_problem',
            field=models.CharField(blank=True, choices=[('', 'none'), ('no_driver', "NVIDIA's driver is not installed"), ('not_loaded', "NVIDIA's driver is not loaded"), ('mismatch', "NVIDIA's driver and its library differ: restart the machine"), ('no_permission', "no permission to ask NVIDIA's driver"), ('slow', "NVIDIA's driver did not answer in time"), ('failed', "NVIDIA's driver answers with an error")], default='', max_length=16, verbose_name='problem of the GPUs'),
            preserve_default=False,
        ),
    ]
