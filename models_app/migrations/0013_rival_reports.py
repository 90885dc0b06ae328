from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0012_said_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='hostreport',
            name='worker',
            field=models.CharField(blank=True, default='', max_length=16, verbose_name='process that reports'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='hostreport',
            name='rival',
            field=models.CharField(blank=True, default='', max_length=300, verbose_name='other worker'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='hostreport',
            name='rival_seen_at',
            field=models.DateTimeField(null=True, verbose_name='other worker seen'),
        ),
    ]
