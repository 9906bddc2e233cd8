"""What databases hold, in a form that is the same for all of them, read by their own clients and not by ours."""
import contextlib
import datetime
import hashlib
import re
import sqlite3

MOMENT = re.compile(r"(-?\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\+00)?")
EPOCH = datetime.datetime(1970, 1, 1)
# Every type that is dumped, by its view; the columns are the view's own but for these, which say when we asked.
NOT_DATA = {"collected_at"}
COVERAGE = "SELECT series_id, step_s, from_ts, to_ts, state FROM ccdata_coverage"


def canonical(value):
    """One cell: numbers by their value, moments as seconds; what a client prints equals what SQLite gives."""
    if value is None or value == "NULL":
        return None
    if isinstance(value, str):
        moment = MOMENT.fullmatch(value)
        if moment:
            return int((datetime.datetime(*map(int, moment.groups())) - EPOCH).total_seconds())
        if value in ("t", "f"):
            return int(value == "t")
        try:
            value = float(value) if re.search(r"[.eE]", value) else int(value)
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def columns(world, view):
    if world.server is None:
        with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
            return [column[0] for column in connection.execute(f"SELECT * FROM {view} LIMIT 0").description]
    where = {"mariadb": "table_schema = DATABASE()", "postgres": "table_schema = 'public'"}[world.server.kind]
    return [row[0] for row in world.server.sql("SELECT column_name FROM information_schema.columns"
                                               f" WHERE table_name = '{view}' AND {where} ORDER BY ordinal_position", world.name)]


def ask(world, sql):
    """Rows of canonical cells."""
    if world.server is None:
        with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
            return [[canonical(cell) for cell in row] for row in connection.execute(sql)]
    utc = {"mariadb": "SET time_zone = '+00:00';", "postgres": "SET TIME ZONE 'UTC';"}[world.server.kind]
    return [[canonical(cell) for cell in row] for row in world.server.sql(utc + sql, world.name)]


def rows(world, view):
    """Every data column of a view, by series and time."""
    keep = [column for column in columns(world, view) if column not in NOT_DATA]
    quote = "`" if world.server and world.server.kind == "mariadb" else '"'
    found = ask(world, "SELECT " + ", ".join(quote + column + quote for column in keep) + f" FROM {view}")
    place = [keep.index("market"), keep.index("instrument"), keep.index("ts")]
    return keep, sorted(found, key=lambda row: [row[i] for i in place])


def coverage(world):
    """Merged coverage: (series, step, state) -> ranges. Order and size of the segments say nothing."""
    merged = {}
    for series, step, start, end, state in sorted(ask(world, COVERAGE), key=lambda row: (row[0], row[1], row[4], row[2])):
        ranges = merged.setdefault((series, step, state), [])
        if ranges and ranges[-1][1] >= start:
            ranges[-1][1] = max(ranges[-1][1], end)
        else:
            ranges.append([start, end])
    return merged


def digest(world, *views):
    """(number of rows, hash) of views and coverage."""
    total, state = 0, hashlib.sha256()
    for view in views:
        keep, found = rows(world, view)
        total += len(found)
        state.update(repr((view, keep, found)).encode())
    state.update(repr(sorted(coverage(world).items())).encode())
    return total, state.hexdigest()


def first_difference(world, other, *views):
    """For the message of a failed test."""
    for view in views:
        (keep, mine), (theirs_keep, theirs) = rows(world, view), rows(other, view)
        if keep != theirs_keep or len(mine) != len(theirs):
            return f"{view}: {len(mine)} rows of {keep}, {len(theirs)} rows of {theirs_keep}"
        for a, b in zip(mine, theirs):
            if a != b:
                return f"{view}: " + "; ".join(f"{k}: {x!r} {y!r}" for k, x, y in zip(keep, a, b) if x != y)
    mine, theirs = coverage(world), coverage(other)
    return f"coverage: {[(k, mine.get(k), theirs.get(k)) for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k)][:3]}"


def lost_rows(world, fact):
    """Coverage that calls periods stored whose rows are not there."""
    moment = {"sqlite": "f.ts", "mariadb": "TIMESTAMPDIFF(SECOND, '1970-01-01', f.ts)",
              "postgres": "CAST(EXTRACT(EPOCH FROM f.ts) AS bigint)"}[world.server.kind if world.server else "sqlite"]
    return ask(world, "SELECT c.series_id, c.from_ts FROM ccdata_coverage c WHERE c.state = 'stored' AND (c.to_ts - c.from_ts) > c.step_s *"
                      f" (SELECT count(*) FROM {fact} f WHERE f.series_id = c.series_id AND {moment} >= c.from_ts AND {moment} < c.to_ts)")
