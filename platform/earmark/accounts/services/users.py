"""Make users, and let them in or not."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from earmark.accounts.acts import Act
from earmark.accounts.errors import OwnAccountError, PasswordRefusedError, UserExistsError
from earmark.accounts.origin import current_origin
from earmark.accounts.services.audit import record_act


def create_user(
    *, username: str, password: str = "", email: str = "", is_superuser: bool = False
) -> User:
    """Make a user; without a password one who can use tokens only.

    Raises
    ------
    PasswordRefusedError
        If the password is too weak.
    UserExistsError
        If the name is taken.
    """
    user = User(username=username, email=email, is_superuser=is_superuser, is_staff=is_superuser)
    if password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise PasswordRefusedError(" ".join(error.messages)) from error
        user.set_password(password)
    else:
        user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
            record_act(act=Act.USER_CREATED, on=user, details={"is_superuser": is_superuser})
    except IntegrityError as error:
        raise UserExistsError(f"Somebody is called {username!r} already.") from error
    return user


@transaction.atomic
def set_active(*, user: User, is_active: bool) -> User:
    """Let a user in, or shut them out at once: their sessions and tokens no longer count.

    Raises
    ------
    OwnAccountError
        If somebody would shut themselves out.
    """
    if not is_active and current_origin().user == user:
        raise OwnAccountError("You cannot deactivate your own account.")
    if User.objects.filter(pk=user.pk).exclude(is_active=is_active).update(is_active=is_active):
        record_act(act=Act.USER_ACTIVATED if is_active else Act.USER_DEACTIVATED, on=user)
    user.refresh_from_db()
    return user
