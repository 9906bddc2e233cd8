/* The assets of the world. Those that are traded come first, by rank, with the order of magnitude
 * of a price in US dollars, nothing more; their currencies last. Behind them those that are only
 * listed. */
#include <string.h>

#include "sim/world_private.h"

static const struct asset traded[] = {
    {"BTC", "Bitcoin", 65000, "BLOCKCHAIN"},
    {"ETH", "Ethereum", 3200, "BLOCKCHAIN"},
    {"USDT", "Tether", 1, "TOKEN"},
    {"XRP", "XRP", 0.62, "BLOCKCHAIN"},
    {"BNB", "BNB", 580, "BLOCKCHAIN"},
    {"SOL", "Solana", 150, "BLOCKCHAIN"},
    {"USDC", "USD Coin", 1, "TOKEN"},
    {"DOGE", "Dogecoin", 0.14, "BLOCKCHAIN"},
    {"ADA", "Cardano", 0.45, "BLOCKCHAIN"},
    {"TRX", "TRON", 0.13, "BLOCKCHAIN"},
    {"AVAX", "Avalanche", 32, "BLOCKCHAIN"},
    {"LINK", "Chainlink", 14, "TOKEN"},
    {"SHIB", "Shiba Inu", 0.0000231, "TOKEN"},
    {"TON", "Toncoin", 6.2, "BLOCKCHAIN"},
    {"DOT", "Polkadot", 6.8, "BLOCKCHAIN"},
    {"BCH", "Bitcoin Cash", 420, "BLOCKCHAIN"},
    {"LTC", "Litecoin", 82, "BLOCKCHAIN"},
    {"UNI", "Uniswap", 8.4, "TOKEN"},
    {"PEPE", "Pepe", 0.0000104, "TOKEN"},
    {"NEAR", "NEAR Protocol", 5.3, "BLOCKCHAIN"},
    {"DAI", "Dai", 1, "TOKEN"},
    {"LEO", "UNUS SED LEO", 5.8, "TOKEN"},
    {"APT", "Aptos", 8.9, "BLOCKCHAIN"},
    {"ICP", "Internet Computer", 11.2, "BLOCKCHAIN"},
    {"ETC", "Ethereum Classic", 25, "BLOCKCHAIN"},
    {"SUI", "Sui", 1.4, "BLOCKCHAIN"},
    {"POL", "Polygon Ecosystem Token", 0.55, "TOKEN"},
    {"XLM", "Stellar", 0.11, "BLOCKCHAIN"},
    {"FET", "Artificial Superintelligence Alliance", 1.5, "TOKEN"},
    {"XMR", "Monero", 165, "BLOCKCHAIN"},
    {"STX", "Stacks", 1.9, "BLOCKCHAIN"},
    {"FIL", "Filecoin", 4.9, "BLOCKCHAIN"},
    {"HBAR", "Hedera", 0.081, "BLOCKCHAIN"},
    {"OKB", "OKB", 44, "TOKEN"},
    {"ARB", "Arbitrum", 0.85, "TOKEN"},
    {"ATOM", "Cosmos", 7.1, "BLOCKCHAIN"},
    {"MKR", "Maker", 2500, "TOKEN"},
    {"CRO", "Cronos", 0.094, "BLOCKCHAIN"},
    {"INJ", "Injective", 23, "BLOCKCHAIN"},
    {"OP", "Optimism", 1.9, "TOKEN"},
    {"IMX", "Immutable", 1.6, "TOKEN"},
    {"VET", "VeChain", 0.026, "BLOCKCHAIN"},
    {"AAVE", "Aave", 105, "TOKEN"},
    {"GRT", "The Graph", 0.19, "TOKEN"},
    {"RUNE", "THORChain", 4.6, "BLOCKCHAIN"},
    {"BONK", "Bonk", 0.0000246, "TOKEN"},
    {"THETA", "Theta Network", 1.5, "BLOCKCHAIN"},
    {"MNT", "Mantle", 0.78, "TOKEN"},
    {"FTM", "Fantom", 0.58, "BLOCKCHAIN"},
    {"ALGO", "Algorand", 0.16, "BLOCKCHAIN"},
    {"LDO", "Lido DAO", 1.7, "TOKEN"},
    {"SEI", "Sei", 0.36, "BLOCKCHAIN"},
    {"JUP", "Jupiter", 0.83, "TOKEN"},
    {"WIF", "dogwifhat", 2.1, "TOKEN"},
    {"FLOKI", "FLOKI", 0.000152, "TOKEN"},
    {"TIA", "Celestia", 6.3, "BLOCKCHAIN"},
    {"BGB", "Bitget Token", 1.1, "TOKEN"},
    {"ENA", "Ethena", 0.42, "TOKEN"},
    {"ONDO", "Ondo", 0.92, "TOKEN"},
    {"FLR", "Flare", 0.021, "BLOCKCHAIN"},
    {"PYTH", "Pyth Network", 0.33, "TOKEN"},
    {"BSV", "Bitcoin SV", 48, "BLOCKCHAIN"},
    {"QNT", "Quant", 74, "TOKEN"},
    {"FLOW", "Flow", 0.61, "BLOCKCHAIN"},
    {"BEAM", "Beam", 0.019, "TOKEN"},
    {"EOS", "EOS", 0.58, "BLOCKCHAIN"},
    {"STRK", "Starknet", 0.46, "TOKEN"},
    {"XTZ", "Tezos", 0.77, "BLOCKCHAIN"},
    {"AXS", "Axie Infinity", 5.9, "TOKEN"},
    {"EGLD", "MultiversX", 31, "BLOCKCHAIN"},
    {"SAND", "The Sandbox", 0.32, "TOKEN"},
    {"NEO", "NEO", 11, "BLOCKCHAIN"},
    {"GALA", "Gala", 0.023, "TOKEN"},
    {"MANA", "Decentraland", 0.35, "TOKEN"},
    {"CHZ", "Chiliz", 0.072, "BLOCKCHAIN"},
    {"KAVA", "Kava", 0.42, "BLOCKCHAIN"},
    {"DYDX", "dYdX", 1.4, "TOKEN"},
    {"XEC", "eCash", 0.0000331, "BLOCKCHAIN"},
    {"CAKE", "PancakeSwap", 2.2, "TOKEN"},
    {"MINA", "Mina", 0.52, "BLOCKCHAIN"},
    {"SNX", "Synthetix", 1.9, "TOKEN"},
    {"CRV", "Curve DAO", 0.31, "TOKEN"},
    {"ROSE", "Oasis", 0.088, "BLOCKCHAIN"},
    {"APE", "ApeCoin", 0.91, "TOKEN"},
    {"ZEC", "Zcash", 28, "BLOCKCHAIN"},
    {"KLAY", "Klaytn", 0.16, "BLOCKCHAIN"},
    {"IOTA", "IOTA", 0.17, "BLOCKCHAIN"},
    {"PENDLE", "Pendle", 4.1, "TOKEN"},
    {"WLD", "Worldcoin", 2.4, "TOKEN"},
    {"BLUR", "Blur", 0.21, "TOKEN"},
    {"COMP", "Compound", 51, "TOKEN"},
    {"GMX", "GMX", 29, "TOKEN"},
    {"ZIL", "Zilliqa", 0.017, "BLOCKCHAIN"},
    {"DASH", "Dash", 27, "BLOCKCHAIN"},
    {"1INCH", "1inch", 0.34, "TOKEN"},
    {"ENJ", "Enjin Coin", 0.17, "BLOCKCHAIN"},
    {"HOT", "Holo", 0.0018, "TOKEN"},
    {"CVX", "Convex Finance", 2.3, "TOKEN"},
    {"QTUM", "Qtum", 2.7, "BLOCKCHAIN"},
    {"BAT", "Basic Attention Token", 0.19, "TOKEN"},
    {"LRC", "Loopring", 0.17, "TOKEN"},
    {"CELO", "Celo", 0.56, "BLOCKCHAIN"},
    {"ZRX", "0x", 0.36, "TOKEN"},
    {"RVN", "Ravencoin", 0.019, "BLOCKCHAIN"},
    {"ANKR", "Ankr", 0.028, "TOKEN"},
    {"KSM", "Kusama", 23, "BLOCKCHAIN"},
    {"YFI", "yearn.finance", 5900, "TOKEN"},
    {"MASK", "Mask Network", 2.6, "TOKEN"},
    {"WOO", "WOO", 0.19, "TOKEN"},
    {"ICX", "ICON", 0.15, "BLOCKCHAIN"},
    {"SUSHI", "SushiSwap", 0.72, "TOKEN"},
    {"GLM", "Golem", 0.36, "TOKEN"},
    {"SKL", "SKALE", 0.044, "TOKEN"},
    {"ONE", "Harmony", 0.014, "BLOCKCHAIN"},
    {"ETHW", "EthereumPoW", 2.9, "BLOCKCHAIN"},
    {"JASMY", "JasmyCoin", 0.026, "TOKEN"},
    {"AR", "Arweave", 27, "BLOCKCHAIN"},
    {"TWT", "Trust Wallet Token", 1.0, "TOKEN"},
    {"SSV", "ssv.network", 24, "TOKEN"},
    {"BAND", "Band Protocol", 1.2, "TOKEN"},
    {"STORJ", "Storj", 0.41, "TOKEN"},
    {"UMA", "UMA", 2.5, "TOKEN"},
    {"WAVES", "Waves", 1.1, "BLOCKCHAIN"},
    {"OMG", "OMG Network", 0.31, "TOKEN"},
    {"ONT", "Ontology", 0.21, "BLOCKCHAIN"},
    {"LSK", "Lisk", 0.86, "BLOCKCHAIN"},
    {"SC", "Siacoin", 0.0049, "BLOCKCHAIN"},
    {"DCR", "Decred", 14, "BLOCKCHAIN"},
    {"DGB", "DigiByte", 0.0077, "BLOCKCHAIN"},
    {"XEM", "NEM", 0.017, "BLOCKCHAIN"},
    {"NMR", "Numeraire", 17, "TOKEN"},
    {"BAL", "Balancer", 2.4, "TOKEN"},
    {"REN", "Ren", 0.043, "TOKEN"},
    {"OCEAN", "Ocean Protocol", 0.58, "TOKEN"},
    {"CTSI", "Cartesi", 0.15, "TOKEN"},
    {"PAXG", "PAX Gold", 2380, "TOKEN"},
    {"API3", "API3", 2.1, "TOKEN"},
    {"RLC", "iExec RLC", 1.9, "TOKEN"},
    {"RAD", "Radworks", 1.2, "TOKEN"},
    {"POWR", "Powerledger", 0.22, "TOKEN"},
    {"AUDIO", "Audius", 0.14, "TOKEN"},
    {"MAGIC", "Treasure", 0.47, "TOKEN"},
    {"GAS", "Gas", 3.8, "BLOCKCHAIN"},
    {"TRB", "Tellor", 66, "TOKEN"},
    {"COTI", "COTI", 0.087, "BLOCKCHAIN"},
    {"CELR", "Celer Network", 0.016, "TOKEN"},
    {"SPELL", "Spell Token", 0.00062, "TOKEN"},
    {"LPT", "Livepeer", 15, "TOKEN"},
    {"ACH", "Alchemy Pay", 0.019, "TOKEN"},
    {"ARKM", "Arkham", 1.3, "TOKEN"},
    {"CFX", "Conflux", 0.16, "BLOCKCHAIN"},
    {"ID", "SPACE ID", 0.44, "TOKEN"},
    {"HOOK", "Hooked Protocol", 0.51, "TOKEN"},
    {"EDU", "Open Campus", 0.55, "TOKEN"},
    {"MEME", "Memecoin", 0.014, "TOKEN"},
    {"ORDI", "ORDI", 36, "TOKEN"},
    {"SATS", "SATS", 0.00000028, "TOKEN"},
    {"RATS", "RATS", 0.000093, "TOKEN"},
    {"NOT", "Notcoin", 0.013, "TOKEN"},
    {"TURBO", "Turbo", 0.0049, "TOKEN"},
    {"MEW", "cat in a dogs world", 0.0041, "TOKEN"},
    {"BOME", "BOOK OF MEME", 0.0086, "TOKEN"},
    {"POPCAT", "Popcat", 0.61, "TOKEN"},
    {"BRETT", "Brett", 0.11, "TOKEN"},
    {"MOG", "Mog Coin", 0.0000017, "TOKEN"},
    {"DOG", "DOG", 0.0049, "TOKEN"},
    {"ZRO", "LayerZero", 3.7, "TOKEN"},
    {"ZK", "ZKsync", 0.16, "TOKEN"},
    {"EIGEN", "EigenLayer", 3.4, "TOKEN"},
    {"ETHFI", "ether.fi", 2.0, "TOKEN"},
    {"REZ", "Renzo", 0.071, "TOKEN"},
    {"W", "Wormhole", 0.29, "TOKEN"},
    {"TAO", "Bittensor", 310, "BLOCKCHAIN"},
    {"KAS", "Kaspa", 0.16, "BLOCKCHAIN"},
    {"RENDER", "Render", 6.7, "TOKEN"},
    {"AKT", "Akash Network", 3.2, "BLOCKCHAIN"},
    {"AIOZ", "AIOZ Network", 0.48, "BLOCKCHAIN"},
    {"HNT", "Helium", 4.1, "BLOCKCHAIN"},
    {"XDC", "XDC Network", 0.028, "BLOCKCHAIN"},
    {"RSR", "Reserve Rights", 0.0061, "TOKEN"},
    {"SFP", "SafePal", 0.79, "TOKEN"},
    {"BABYDOGE", "Baby Doge Coin", 0.0000000014, "TOKEN"},
    {"USD", "United States Dollar", 1, "FIAT"},
    {"EUR", "Euro", 1.08, "FIAT"},
    {"GBP", "British Pound", 1.27, "FIAT"},
    {"TRY", "Turkish Lira", 0.031, "FIAT"},
};

/* Listed and nothing else: currencies older than the epoch, what is no coin, hard symbols. */
static const struct asset listed[] = {
    {"JPY", "Japanese Yen", 0.0067, "FIAT"},
    {"CHF", "Swiss Franc", 1.13, "FIAT"},
    {"INR", "Indian Rupee", 0.012, "FIAT"},
    {"KRW", "South Korean Won", 0.00072, "FIAT"},
    {"XAU", "Gold Ounce", 2330, "COMMODITY"},
    {"SPX", "S&P 500", 5400, "INDEX"},
    {"MSTR", "Strategy Class A", 1500, "STOCK"},
    {"IBIT", "iShares Bitcoin Trust ETF", 37, "ETF"},
    {"$X", "Dollar X", 0.0042, "TOKEN"},
    {"O'NEIL", "O'Neil's Token", 0.31, "TOKEN"},
    {"M\xc3\x88ME", "M\xc3\xa8me d'\xc3\xa9t\xc3\xa9", 0.00017, "TOKEN"},
    {"E\xcc\x81"
     "COLE",
     "E\xcc\x81"
     "cole, decomposed",
     1.2, "TOKEN"},
    {"QU\"OTE", "The \"Quoted\" Coin", 2.5, "TOKEN"},
    {"BACK\\SLASH", "C:\\new\\table\\", 0.09, "TOKEN"},
    {"<script>", "<script>alert('x')</script>", 0.5, "TOKEN"},
    {"\xe9\xbe\x99", "\xe9\xbe\x99\xe5\xb8\x81 Dragon", 0.013, "TOKEN"},
    {"\xf0\x9f\xa6\x84", "Unicorn \xf0\x9f\xa6\x84\xe2\x80\x8b", 0.0071, "TOKEN"},
    {"%s%n", "100 % pure", 0.62, "TOKEN"},
    {"NULL", "null", 0.4, "TOKEN"},
    {"meme", "Twin of MEME", 0.00005, "TOKEN"},
    {"A B", "Symbol with a space", 0.2, "TOKEN"},
    {"A,B", "Symbol with a comma", 0.2, "TOKEN"},
    {"TAB", "Tab\tand\r\nline ends", 0.3, "TOKEN"},
    {"THE_LONGEST_SYMBOL_THAT_ANYBODY_WOULD_EVER_THINK_OF_0123456789",
     "A name that is long: Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod "
     "tempor incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud "
     "exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor",
     0.01, "TOKEN"},
};

const char *const hostile_texts[] = {
    "'; drop table assets; --",
    "\") or 1=1 --",
    "\\'; select 1; --\\",
    "\"},\"data\":{\"x\":\"",
    "\x1b[2j\x1b]0;owned\x07",
    "\x1b[31mred\x1b[0m",
    "\xc2\x9b"
    "31mc1",
    "<img src=x onerror=alert(1)>",
    "</script><b>",
    "\xe2\x80\xae"
    "evil",
    "$(touch owned)`id`",
    "{{7*7}}%s%n",
    "=cmd|'x'!a1",
    "line\r\nfeed",
    "\x7f\x01\x08 back",
};
const size_t hostile_text_count = sizeof hostile_texts / sizeof hostile_texts[0];

enum { ASSETS_DEFAULT = 440, TRADED = sizeof traded / sizeof traded[0] };

/* Five letters, consonants and vowels in turn; no coin of the tables is called so. */
static char *small_symbol(struct world *w, size_t number)
{
    static const char consonants[] = "BDFHJKPVXZ", vowels[] = "AEIOU";
    char text[6] = "";
    for (int i = 0; i < 5; i++) {
        size_t choices = i % 2 ? 5 : 10;
        text[i] = (i % 2 ? vowels : consonants)[number % choices];
        number /= choices;
    }
    return arena_copy_text(&w->arena, str_from(text));
}

static bool small_asset(struct world *w, size_t number, struct asset *out)
{
    uint64_t dice = dice_mix(w->config.seed ^ number);
    double price = (double)(1000 + (dice >> 8) % 9000);
    for (uint64_t tenths = 4 + dice % 9; tenths > 0; tenths--)
        price /= 10;
    char *symbol = small_symbol(w, number);
    bool untraded = dice % 11 == 0;
    *out = (struct asset){symbol, symbol, untraded ? 0 : price,
                          dice % 5 == 1 ? "BLOCKCHAIN" : "TOKEN"};
    return symbol != NULL;
}

/* Three letters as far as they last; the last one is the dollar. */
static bool made_up_assets(struct world *w, struct asset *assets)
{
    size_t count = w->traded_assets - 1;
    for (size_t i = 0; i < count; i++) {
        char symbol[] = {(char)('A' + i / 676 % 26), (char)('A' + i / 26 % 26),
                         (char)('A' + i % 26), '\0'};
        uint64_t dice = dice_mix(w->config.seed + i);
        double price = (double)(1000 + (dice >> 8) % 9000);
        for (uint64_t tenths = dice % 12; tenths > 0; tenths--)
            price /= 10;
        assets[i] = (struct asset){.price_usd = price, .asset_type = "TOKEN"};
        assets[i].symbol = arena_copy_text(&w->arena, str_from(symbol));
        assets[i].name = assets[i].symbol;
        if (!assets[i].symbol)
            return false;
    }
    assets[count] = traded[TRADED - 4];
    return true;
}

static size_t hostile_count(const struct world *w)
{
    return w->config.hostile_names ? hostile_text_count : 0;
}

/* What is listed behind the traded ones: hostile, hard, small, and those of later versions. */
static bool listed_assets(struct world *w, struct asset *assets)
{
    size_t at = w->traded_assets;
    size_t hard = sizeof listed / sizeof listed[0];
    for (size_t i = 0; i < hostile_count(w) && at < w->asset_count; i++)
        assets[at++] = (struct asset){hostile_texts[i], hostile_texts[i], 0.5, "TOKEN"};
    for (size_t i = 0; w->config.market_count == 0 && i < hard && at < w->asset_count; i++)
        assets[at++] = listed[i];
    for (; at < w->asset_count; at++)
        if (!small_asset(w, at, &assets[at]))
            return false;
    return true;
}

bool assets_build(struct world *w)
{
    bool made_up = w->config.market_count > 0;
    w->traded_assets = made_up ? (size_t)w->config.instruments_per_market + 1 : TRADED;
    size_t count = w->config.asset_count > 0 ? (size_t)w->config.asset_count
                   : made_up                 ? w->traded_assets + hostile_count(w)
                                             : ASSETS_DEFAULT + hostile_count(w);
    w->listed_assets = count + added_by(w);
    /* The world trades what it trades, even when it lists less. */
    w->asset_count = w->listed_assets > w->traded_assets ? w->listed_assets : w->traded_assets;
    struct asset *assets = arena_alloc(&w->arena, w->asset_count * sizeof *assets);
    if (!assets)
        return false;
    w->assets = assets;
    if (made_up && !made_up_assets(w, assets))
        return false;
    if (!made_up)
        memcpy(assets, traded, sizeof traded);
    return listed_assets(w, assets);
}

/* ---- versions of the lists */

size_t added_by(const struct world *w)
{
    return w->config.metadata_version > 1 ? (size_t)w->config.metadata_version - 1 : 0;
}

struct listing listing_of(const struct world *w, size_t total)
{
    size_t added = added_by(w);
    size_t first = total > added ? total - added : 0;
    size_t dropped = first > added ? added : first > 0 ? first - 1 : 0;
    struct listing l = {.kept = first - dropped, .dropped = dropped, .total = total - dropped};
    l.count = w->config.shrink ? l.total * 7 / 10 : l.total;
    return l;
}

size_t listing_at(const struct listing *l, size_t place)
{
    return place < l->kept ? place : place + l->dropped;
}

int changed_in(const struct world *w, size_t number)
{
    return number < added_by(w) ? (int)number + 2 : 0;
}
