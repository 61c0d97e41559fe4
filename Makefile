# The front door. Everything real is in meson.build; `make help` lists what is here.
B ?= build
.PHONY: all help deps demo test asan tsan bench fuzz sim soak fmt check-style install clean
all: $(B)/build.ninja ## release build in build/, optimised as a whole when it is linked
	@ninja -C $(B) src/cli/skein
$(B)/build.ninja:
	@SKEIN_DEPS=build tools/deps
	@meson setup $(B) --buildtype=release -Db_lto=true
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile
deps: ## installs what is missing, by apt, without questions
	@tools/deps
demo: all ## the main job on real input: a flow, kill -9 in the middle, resume
	@tools/demo
test: deps ## builds (debug) and runs every test
	@tools/test build-debug --buildtype=debug
asan: deps ## the tests under AddressSanitizer and UBSan, with clang
# The sanitizer believes that a block of thread-local memory 16 bytes behind the beginning of a page has a
# header of an older C library in front, and dies of what it reads there; librocksdb, loaded late, has some.
	@CC=clang ASAN_OPTIONS=intercept_tls_get_addr=0 tools/test build-asan --buildtype=debug -Db_sanitize=address,undefined -Db_lundef=false
TSAN = base/ring journal/threads store/rocks/threads shard/shards shard/redo node/engine
tsan: deps ## the tests that have threads under ThreadSanitizer
	@[ -f build-tsan/build.ninja ] || meson setup build-tsan --buildtype=debug -Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C build-tsan >/dev/null && TSAN_OPTIONS="history_size=7 suppressions=$(CURDIR)/test/tsan.supp" tools/run-tests build-tsan $(TSAN)
bench: deps ## release build, every benchmark, one table
	@tools/bench
fuzz: deps ## every fuzz target for 60 s; tools/fuzz TARGET SECONDS for one
	@tools/fuzz
sim: deps ## the simulator's standard set: 800 seeds, 20 million steps
	@tools/sim
soak: deps ## the long tests, for SKN_SOAK times the usual counts (default 20), with a ledger line
	@tools/soak
fmt: ## clang-format over the tree
	@find src test bench include -name '*.[ch]' 2>/dev/null | xargs clang-format-14 -i
check-style: ## format, headings, forbidden calls, lengths
	@tools/check-style
install: all ## installs the release build
	@meson install -C $(B) --no-rebuild
clean: ## removes the build folders
	@rm -rf build build-*
