"""Who may see what, once a test has set tokens."""

import re

from stats import readable
from wire import Answer


class Access:
    """Judges requests by the setting `auth`: {"realm": R, "tokens": {TOKEN: RIGHTS}}; null lets everybody in.

    RIGHTS: {"allow": [PREFIX…], "deny": [PREFIX…]} of paths of files, as they are asked for or on disk;
    {"tasks": [REGEX…]} of the ids of tasks that are shown. What is missing restricts nothing.
    """

    def __init__(self, settings):
        self.settings = settings

    def rights(self, request):
        """Gives the rights of a request's token; None when nobody is asked for one; raises KeyError for an unknown token."""
        if self.settings.auth is None:
            return None
        header = request.headers.get(b"authorization", b"")
        if not header.startswith(b"token="):  # M50
            raise KeyError
        return self.settings.auth.get("tokens", {})[readable(header[len(b"token="):])]

    def refusal(self, request):
        """The answer to a request without a known token; None for others."""
        try:
            self.rights(request)
        except KeyError:
            realm = self.settings.auth.get("realm", "mesos").encode()
            return Answer(401, headers=b'WWW-Authenticate: token realm="%s"\r\n' % realm)  # M18
        return None

    def may_read(self, request, *paths):
        """Whether the token's rights permit a file that has these names."""
        rights = self.rights(request)
        if rights is None:
            return True
        names = [readable(path) for path in paths]

        def listed(prefixes):
            return any(name == prefix or name.startswith(prefix.rstrip("/") + "/") for prefix in prefixes for name in names)

        return not listed(rights.get("deny", [])) and ("allow" not in rights or listed(rights["allow"]))

    def shown(self, request):
        """The patterns of the tasks that the token's rights show; None for all (M49)."""
        rights = self.rights(request)
        return None if rights is None or "tasks" not in rights else tuple(rights["tasks"])


def visible(tasks, shown):
    """Leaves out, without a word, what the caller may not see (M49)."""
    return tasks if shown is None else [task for task in tasks if any(re.search(each, task["id"]) for each in shown)]
