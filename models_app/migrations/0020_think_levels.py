from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0019_chat_format'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatsession',
            name='think_level',
            field=models.CharField(blank=True, choices=[('low', 'low'), ('medium', 'medium'), ('high', 'high'), ('max', 'max')], max_length=16, null=True, verbose_name='level of thinking'),
        ),
    ]
