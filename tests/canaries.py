"""The secrets that the tests plant, and the search for them. Each holds characters that every encoding changes."""
import base64
import collections
import html
import json
import os
import pathlib
import re
import urllib.parse

HEADER = pathlib.Path(__file__).resolve().parent / "unit" / "canaries.h"
OF_SERVERS = dict(re.findall(r'#define (\w+) "(.*)"', HEADER.read_text(encoding="utf-8")))

KEY = 'canary-key+/=&%41"\\0123456789abcd/&+"key'
DATABASE_PASSWORD, ADMIN_PASSWORD = OF_SERVERS["DATABASE_PASSWORD"], OF_SERVERS["ADMIN_PASSWORD"]
S2_PASSWORD = "canary s2 päss:w/o+rd%&'\"\\0123456789"
REDIS_PASSWORD = "canary redis+/=&%41'\"\\é0123456789/&+redis"
SERVE_TOKEN = 'canary-serve+/=&%41"\\0123456789/&+"serve'
SLACK_TOKEN, DISCORD_TOKEN, HOOK_TOKEN = (f'canary-{name}+/=&%41"\\0123456789/&+"{name}' for name in ("slack", "discord", "hook"))
HOOK_SECRET = "canary hmac+/=&%41'\"\\ü0123456789/&+hmac"
MAIL_PASSWORD = "canary mail+/=&%41'\"\\ß0123456789/&+mail"
HTTP_TEST_KEY = "canary-5f1d0c"  # tests/unit/http
# name -> value; the runner looks for all of them in all that a test leaves behind
ALL = {"API key": KEY, "database password": DATABASE_PASSWORD, "administrator's password": ADMIN_PASSWORD,
       "SingleStore password": S2_PASSWORD, "Redis password": REDIS_PASSWORD, "token of the listener": SERVE_TOKEN,
       "Slack token": SLACK_TOKEN, "Discord token": DISCORD_TOKEN, "webhook token": HOOK_TOKEN, "webhook secret": HOOK_SECRET,
       "mail password": MAIL_PASSWORD, "key of the unit tests": HTTP_TEST_KEY}

PREFIX_BYTES = 16  # messages are cut, and what is masked may be masked in part: the beginning or the end of a secret is enough
READ_BYTES = 1 << 20


def base64_forms(secret):
    """The digits that depend on the secret alone, wherever it stands within the bytes that are encoded."""
    for shift in range(3):
        digits = base64.b64encode(b"\0" * shift + secret)
        first = -(-8 * shift // 6)
        last = 8 * (shift + len(secret)) // 6
        for form in (digits[first:last], base64.urlsafe_b64encode(b"\0" * shift + secret)[first:last]):
            yield form


def forms(secret):
    """name -> patterns (bytes) of a secret in each form: of its beginning and of its end."""
    found = {}
    for piece in (secret.encode()[:PREFIX_BYTES], secret.encode()[-PREFIX_BYTES:]):
        for form, patterns in forms_of(piece).items():
            found.setdefault(form, []).extend(patterns)
    return found


def forms_of(piece):
    quoted = [urllib.parse.quote(piece, safe=safe).encode() for safe in ("", "/", "/:@&=+")]
    quoted += [re.sub(rb"%..", lambda found: found.group().lower(), form) for form in quoted]
    quoted += [urllib.parse.quote_plus(piece).encode(), b"".join(b"%%%02X" % byte for byte in piece)]
    text = piece.decode(errors="ignore")
    return {
        "raw": [piece],
        "URL": quoted,
        "JSON": [json.dumps(text, ensure_ascii=plain)[1:-1].encode() for plain in (False, True)]
                + [json.dumps(text)[1:-1].replace("/", "\\/").encode()] + ["".join("\\u%04x" % ord(c) for c in text).encode()],
        "HTML": [html.escape(text).encode()],
        "base64": list(base64_forms(piece)),
        "hex": [piece.hex().encode(), piece.hex().upper().encode()],
    }


# (name, form, patterns): a search for each is faster than one regular expression for all.
FORMS = [(name, form, sorted(set(patterns), key=len)) for name, secret in ALL.items() for form, patterns in forms(secret).items()]
PATTERNS = {pattern for _, _, patterns in FORMS for pattern in patterns}
OVERLAP_BYTES = max(map(len, PATTERNS))


def shared_parts(patterns, size):
    """Few pieces of this size of which each pattern holds one: where none of them is, no pattern is."""
    left, parts = set(patterns), []
    while left:
        counts = collections.Counter(part for pattern in left for part in {pattern[i:i + size] for i in range(len(pattern) - size + 1)})
        parts.append(max(sorted(counts), key=counts.get))
        left = {pattern for pattern in left if parts[-1] not in pattern}
    return parts


PARTS = shared_parts(PATTERNS, 6)


def in_bytes(data):
    """What of which secret stands in there: "API key (base64)" …"""
    if not any(part in data for part in PARTS):
        return []
    return [f"{name} ({form})" for name, form, patterns in FORMS if any(pattern in data for pattern in patterns)]


def in_text(text):
    return in_bytes(text.encode(errors="replace") if isinstance(text, str) else text or b"")


def in_file(path):
    found, kept = set(), b""
    with open(path, "rb") as file:
        while piece := file.read(READ_BYTES):
            found.update(in_bytes(kept + piece))
            kept = piece[-OVERLAP_BYTES:]
    return sorted(found)


def in_folder(folder, planted=()):
    """Secrets in the files of a folder and in their names, but for the files where a test planted them."""
    planted = {os.path.realpath(path) for path in planted}
    found = []
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            shown = os.path.relpath(path, folder)
            found += [f"{secret} in the name of {shown}" for secret in in_text(name)]
            if name in files and (name == "core" or name.startswith("core.")):
                found.append(f"a core file: {shown}")
            if name in files and os.path.isfile(path) and os.path.realpath(path) not in planted:
                found += [f"{secret} in {shown}" for secret in in_file(path)]
    return found
