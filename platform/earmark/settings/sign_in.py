"""Settings of signing in with a browser, and of what happens to those who guess passwords."""

from __future__ import annotations

from datetime import timedelta

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "docs"
LOGOUT_REDIRECT_URL = "login"

AXES_FAILURE_LIMIT = 5
# Together: nobody can lock others out, as these sign in from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# The other end of the connection, as everywhere: what a client says of itself in a header proves
# nothing. Without this line it would count as soon as a certain package is installed.
AXES_CLIENT_IP_CALLABLE = "earmark.accounts.origin.address_of"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_ALLOWED_CORS_ORIGINS = ""
# The audit log has the sign-ins already.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
