#!/bin/sh
# The main job, once: fetch candles into ccdata.db and read some back with SQL. With CCDATA_API_KEY against the vendor,
# without it against ccdata-sim on loopback.
set -eu
build=$1
sim_pid=""
trap '[ -z "$sim_pid" ] || kill "$sim_pid" 2>/dev/null || true' EXIT INT TERM

if [ -z "${CCDATA_API_KEY:-}" ] && ! grep -qs '^CCDATA_API_KEY=.' .env; then
    echo "No CCDATA_API_KEY: asking ccdata-sim, the stand-in vendor on this machine (made-up numbers)."
    out=$(mktemp)
    "$build/ccdata-sim" --listen 127.0.0.1:0 --seed 1 >"$out" &
    sim_pid=$!
    tries=0
    until grep -q '^listening ' "$out"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "ccdata-sim did not start" >&2; exit 1; }
        sleep 0.05
    done
    DATA_API_BASE_URL="http://$(sed -n 's/^listening //p' "$out")"
    CCDATA_API_KEY=demo
    rm -f "$out"
    export DATA_API_BASE_URL CCDATA_API_KEY
fi

echo "\$ ccdata spot_ohlcv --specific_market kraken --specific_instrument BTC-USD --interval 1d"
"$build/ccdata" spot_ohlcv --specific_market kraken --specific_instrument BTC-USD --interval 1d --database sqlite:ccdata.db
echo "\$ ccdata futures_ohlcv --exchanges binance --instruments BTC-USDT-VANILLA-PERPETUAL --interval 1h --from (30 days ago)"
"$build/ccdata" futures_ohlcv --exchanges binance --instruments BTC-USDT-VANILLA-PERPETUAL --interval 1h \
    --from "$(date -u -d '30 days ago' +%Y-%m-%d)" --database sqlite:ccdata.db

for query in \
    "SELECT date(ts, 'unixepoch') AS day, market, mapped_instrument, open, high, low, close, volume, is_final FROM spot_ohlcv_1d WHERE market = 'kraken' AND mapped_instrument = 'BTC-USD' ORDER BY ts DESC LIMIT 5" \
    "SELECT datetime(ts, 'unixepoch') AS hour, market, mapped_instrument, close, total_trades, is_final FROM futures_ohlcv_1h WHERE market = 'binance' AND mapped_instrument = 'BTC-USDT-VANILLA-PERPETUAL' ORDER BY ts DESC LIMIT 5"; do
    echo
    echo "sqlite> $query;"
    sqlite3 -header -column ccdata.db "$query"
done
