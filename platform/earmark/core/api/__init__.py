"""What the REST APIs of all apps share: access, errors, pages, the OpenAPI document."""
