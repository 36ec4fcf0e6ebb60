from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tagging", "0004_policies_are_versioned")]

    operations = [migrations.DeleteModel(name="StoredPolicy")]
