# The targets people type. Meson and Ninja do the work; this file only knows their names.

BUILD ?= build
WERROR ?= false
PREFIX ?= /usr/local
T ?=
MESON_FLAGS = -Dwerror=$(WERROR) --prefix=$(PREFIX)

.PHONY: all build deps deps-test demo test check bench asan tsan fuzz mutants torture moonshot soak coverage format install clean docs faults

all: build

build: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD) $(MESON_FLAGS)

# What building needs; does nothing when it is there.
deps:
	@sh tools/deps.sh build

deps-test:
	@sh tools/deps.sh build test

# Installs what is missing, builds, and fetches real rows: from the vendor with CCDATA_API_KEY, else from ccdata-sim.
demo: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet ccdata ccdata-sim
	@sh tools/demo.sh $(BUILD)

# Everything; T=name runs one module (make test T=decode).
test: deps-test
	@python3 tests/run.py full --build $(BUILD) --werror $(WERROR) $(if $(T),--only $(T))

# The inner loop: unit tests, layers, exports, style, corpus replay, end to end on SQLite. Under a minute.
check: deps-test
	@python3 tests/run.py quick --build $(BUILD) --werror $(WERROR) $(if $(T),--only $(T))

bench: deps-test build
	@python3 bench/run.py --build $(BUILD)

# Ten minutes at 1,000 calls a second: memory and descriptors (SECONDS=n for other times).
soak: deps-test build
	@python3 bench/soak.py --build $(BUILD) --seconds $(or $(SECONDS),600)

asan: deps-test
	@python3 tests/run.py asan --werror $(WERROR) $(if $(T),--only $(T))

tsan: deps-test
	@python3 tests/run.py tsan --werror $(WERROR) $(if $(T),--only $(T))

# Each fuzz target for a minute (SECONDS=n for longer, T=name for one of them).
fuzz: deps-test
	@sh tools/fuzz.sh $(or $(SECONDS),60) $(T)

# The table of planted bugs, each with the seed and the invariant, or the unit test, that found it.
mutants: deps-test $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet tests/sim/sim_run tests/unit/store/store_mutants
	@python3 tests/sim/mutants_test.py $(BUILD)/tests/sim/sim_run $(BUILD)/tests/unit/store/store_mutants

# Every call of the C library fails once, and every write is the last one: hours. make test runs a spread of them.
torture: deps-test build
	@TORTURE_ALL=1 CCDATA_BUILD=$(abspath $(BUILD)) TORTURE_SHIM=$(abspath $(BUILD))/tests/torture/libtorture_shim.so TORTURE_FORGETS=$(abspath $(BUILD))/tests/torture/forgets \
		python3 tests/torture/torture_test.py

# Search for failures for HOURS, and append what was searched to docs/reference/proof.md.
moonshot: deps-test build
	@python3 tools/moonshot.py $(BUILD) $(or $(HOURS),1)

coverage: deps-test
	@sh tools/coverage.sh

# docs/internals/faults.md, from the results of the last make test.
faults:
	@python3 tests/faults.py page $(BUILD)/results.json

# Reference pages, from the binary.
docs: build
	@sh tools/write_docs.sh $(BUILD)

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: build
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-*
