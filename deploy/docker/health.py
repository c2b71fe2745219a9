#!/opt/maniple/bin/python -I
"""Whether the daemon of this container answers; the exit status says so. MANIPLE_HEALTH_URL: where, if not there."""

import os
import ssl
import sys
import urllib.request

URL = "https://127.0.0.1:8817/health"


def main() -> int:
    # Nothing is told to whoever answers, and the certificate is for the names that clients use.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(os.environ.get("MANIPLE_HEALTH_URL", URL), timeout=4) as answer:
            return int(answer.read(16) != b"ok\n")
    except OSError as error:
        print(f"the daemon does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
