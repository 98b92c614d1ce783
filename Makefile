# make            build/trainer, build/libchargen.so and what belongs to them, optimised
# make library-aarch64   build/aarch64/libchargen.so, for ARM processors with 64 bits
# make web        build/web: chargen.wasm, chargen.mjs and a page that writes names
# make install    copies what was built to PREFIX (/usr/local), below DESTDIR
# make uninstall  removes it again, with the same PREFIX and DESTDIR
# make deps       install the packages that building and testing need, as root on Debian or Ubuntu
# make demo       train on a list of invented place names, and generate more from C and Python
# make deb        Debian packages of the command and of the library, in build/
# make wheel      Python packages that carry the library, in build/wheels
# make test       all tests; its first step is make deps
# make test-install   installs, and builds and runs programs with what was installed
# make test-languages  the examples in Rust and for Node
# make test-wheel  installs the Python packages into environments of their own
# make test-deb   checks the Debian packages in a Debian of their own, as root: slow
# make test-ranks  trainings on several ranks, by Open MPI; HOSTS=4, as root, in network namespaces
# make test-web   the module and the page, in Node and in Chromium
# make conformance   the arithmetic, texts and trainings on every processor at hand
# make test-sanitized   the Swift tests under the address and thread sanitizers: slow
# make test-sequences  ten million random calls of the library under sanitizers: slow
# make test-texts  100,000 generated texts each keep what they are to keep: slow
# make test-format  the library and an independent reader agree on 10,000 files: slow
# make fuzz       libFuzzer on models, snapshots, patterns, checkpoints, imports, texts, TIME each
# make test-kill  kills trainings at random instants and resumes them, KILLS=200 times each: slow
# make test-faults  writes, memory and other calls of the system fail, one after the other: slow
# make test-torch  models from PyTorch, and to PyTorch and ONNX Runtime: slow, TEXT=FILE to train on
# make bench      the library's speed, beside the bound by memory bandwidth
# make bench-score   the time to score texts, one by one and in a batch
# make bench-allocations   counts the allocations of generated, fed and scored characters
# make bench-peers   generation in PyTorch and ONNX Runtime, side by side
# make bench-train   the trainer's speed, beside OpenBLAS' sgemm
# make bench-ranks   training on several ranks by the network's speed, as root, with TEXT=FILE
# make bench-train-peers   the same training in PyTorch; with TEXT=FILE, the time to quality too
# make clean      remove everything that was built

SWIFT ?= swift
CC = gcc
CXX = g++
PYTHON ?= python3
WARNINGS = -Wall -Wextra -Werror -pedantic

# The library has its own scratch folder, where its modules are built in Embedded mode.
EMBEDDED = --product chargen --traits Embedded --scratch-path .build-embedded --disable-local-rpath
# trainer contains Swift's libraries, Foundation and zstd, so that it runs without them.
STANDALONE = --static-swift-stdlib --traits StaticZstd --disable-local-rpath
LINK = -Lbuild -lchargen -Wl,-rpath,'$$ORIGIN/..'

SONAME = libchargen.so.2

# Python writes the manual pages.
BUILD_PACKAGES = gcc libc6-dev libzstd-dev binutils python3
# libopenblas-dev brings the library that trainer loads to export int4; bench-train compiles
# against it.
TEST_PACKAGES = g++ valgrind qemu-user abigail-tools libopenblas-dev gzip xz-utils zstd \
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross wasi-libc libclang-rt-dev-wasm32 binaryen nodejs chromium \
	musl-tools cmake pkg-config man-db openmpi-bin python3-pip python3-venv python3-setuptools python3-wheel

.PHONY: all trainer library library-aarch64 web archive share examples demo deps requirements \
	install uninstall deb test-deb wheel \
	test test-swift test-library test-web conformance test-languages test-install test-wheel test-abi \
	test-ranks test-sanitized test-sequences test-texts test-format test-kill test-faults test-torch fuzz lint clean \
	bench bench-score bench-allocations bench-peers bench-ranks bench-train bench-train-peers benchmark-models

all: trainer library archive share

# SwiftPM tracks dependencies itself, so these two always run it.
trainer: requirements
	$(SWIFT) build -c release $(STANDALONE) --product trainer
	@mkdir -p build
	install -m 755 "$$($(SWIFT) build -c release $(STANDALONE) --show-bin-path)/trainer" build/trainer

library: requirements
	@mkdir -p build
	@# A test reads the linker's map to check which module each function comes from.
	$(SWIFT) build -c release $(EMBEDDED) -Xlinker -Map=build/libchargen.map
	install -m 755 "$$($(SWIFT) build -c release $(EMBEDDED) --show-bin-path)/libchargen.so" build/libchargen.so
	ln -sf libchargen.so build/$(SONAME)

# The library for aarch64 Linux, by Debian's cross compiler: Embedded Swift knows this processor
# without an operating system, and its objects are linked for one. Objects of sources that no longer
# exist must not be.
CROSS = aarch64-linux-gnu
AARCH64_BUILD = .build-aarch64/aarch64-none-none-elf/release
AARCH64 = CHARGEN_PROCESSOR=aarch64 $(SWIFT) build -c release --traits Embedded --triple aarch64-none-none-elf \
	--scratch-path .build-aarch64 $(addprefix -Xcc ,-isystem /usr/$(CROSS)/include -fPIC -D__linux__ -D_GNU_SOURCE)

library-aarch64: requirements
	$(call require_command,$(CROSS)-gcc,run 'make deps' as root)
	@mkdir -p build/aarch64
	rm -f $(AARCH64_BUILD)/*.build/*.o
	$(AARCH64) --target CAPI
	$(CROSS)-gcc -shared -s -o build/aarch64/libchargen.so $(AARCH64_BUILD)/*.build/*.o -lm \
		-Wl,--version-script=Sources/CAPI/exports.map -Wl,-soname=$(SONAME) -Wl,--gc-sections -Wl,-z,defs \
		-Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete -Wl,--wrap=posix_memalign -Wl,--wrap=free
	ln -sf libchargen.so build/aarch64/$(SONAME)

# WebAssembly with 128-bit vectors, without imports, and with the functions that chargen.mjs calls.
# wasi-libc stands in for the C library; its headers want __wasi__.
WASM_BUILD = .build-wasm/wasm32-unknown-none-wasm/release
WASM = CHARGEN_PROCESSOR=wasm32 $(SWIFT) build -c release --traits Embedded --triple wasm32-unknown-none-wasm \
	--scratch-path .build-wasm -Xswiftc -Xfrontend -Xswiftc -disable-stack-protector \
	$(addprefix -Xcc ,-msimd128 -isystem /usr/include/wasm32-wasi -D__wasi__ -D_WASI_EMULATED_GETPID)
WASM_ARCHIVES = /usr/lib/wasm32-wasi/libc.a $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a)
WASM_FEATURES = --enable-simd --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals
# The linker of the toolchain that compiles.
WASM_LD = $(dir $(realpath $(shell command -v $(SWIFT))))wasm-ld
WEB_PAGE = $(wildcard examples/web/*)

web: requirements build/place-names.cgw
	$(call require_command,wasm-opt,run 'make deps' as root)
	@mkdir -p build/web
	rm -f $(WASM_BUILD)/*.build/*.o
	$(WASM) --target CAPI
	$(WASM_LD) --no-entry --gc-sections -s -z stack-size=262144 --wrap=posix_memalign --wrap=free \
		$$(grep -oE '\.((chargen|cs)_[a-z0-9_]+|__wasm_call_ctors)' examples/web/chargen.mjs | sort -u | sed 's/^\./--export=/') \
		$(WASM_BUILD)/*.build/*.o $(WASM_ARCHIVES) -o $(WASM_BUILD)/chargen.wasm
	wasm-opt -O3 $(WASM_FEATURES) $(WASM_BUILD)/chargen.wasm -o build/web/chargen.wasm
	install -m 644 $(WEB_PAGE) build/place-names.cgw build/web

# A static library of one object, which defines the functions of the header and nothing else.
archive: library
	@mkdir -p build/archive
	$(CC) -DCHARGEN_ARCHIVE -std=gnu11 -O2 -fPIC -ffunction-sections $(WARNINGS) -ISources/CSupport/include \
		-c Sources/CSupport/CSupport.c -o build/archive/CSupport.o
	grep -v '/CSupport\.c\.o' \
		"$$($(SWIFT) build -c release $(EMBEDDED) --show-bin-path)/chargen.product/Objects.LinkFileList" \
		>build/archive/objects
	@# Without groups, whose names other Swift code in the program has too.
	ld -r --gc-sections --force-group-allocation --wrap=posix_memalign --wrap=free -o build/archive/all.o \
		$$(nm -D --defined-only build/libchargen.so | awk '{ print "-u", $$3 }') \
		build/archive/CSupport.o @build/archive/objects
	objcopy --strip-unneeded --wildcard --keep-global-symbol='chargen_*' \
		build/archive/all.o build/archive/chargen.o
	rm -f build/libchargen.a
	ar rcsD build/libchargen.a build/archive/chargen.o

# What is installed beside the library: the command without its symbols, its manual pages and
# completions.
share: trainer
	@mkdir -p build/share
	strip -o build/share/trainer build/trainer
	build/trainer --experimental-dump-help | $(PYTHON) packaging/manuals.py trainer $(VERSION) >build/share/trainer.1
	for shell in bash zsh fish; do \
		build/trainer --generate-completion-script $$shell >build/share/trainer.$$shell || exit 1; \
	done
	@# A shell reads the file; nothing runs it.
	sed -i '1{/^#!/d}' build/share/trainer.bash
	@# Last: packaging/install.sh looks for it.
	$(PYTHON) packaging/manuals.py library $(VERSION) <include/chargen.h >build/share/chargen.3

examples: $(patsubst examples/c/%.c,build/examples/%,$(wildcard examples/c/*.c))

build/examples/%: examples/c/%.c include/chargen.h | library
	@mkdir -p build/examples
	$(CC) -std=c99 -O2 $(WARNINGS) -Iinclude $< $(LINK) -lm -o $@

# Python packages that carry the library, which runs with any glibc since 2.17 and with musl. The
# trainer, whose C++ library is the system's, needs a glibc of 2.35.
SYSTEM_PYTHON = $(firstword $(wildcard /usr/bin/python3) $(PYTHON))
PIP_WHEEL = CHARGEN_LIBRARY=$(CURDIR)/build/libchargen.so $(SYSTEM_PYTHON) -m pip wheel --quiet --no-deps \
	--no-build-isolation --no-cache-dir --wheel-dir build/wheels build/wheel/examples/python
MACHINE = $(shell uname -m)

wheel: library share
	rm -rf build/wheels build/wheel
	mkdir -p build/wheel/examples
	cp -r include build/wheel/
	cp -r examples/python build/wheel/examples/
	CHARGEN_PLATFORM=manylinux_2_17_$(MACHINE) $(PIP_WHEEL)
	CHARGEN_PLATFORM=musllinux_1_2_$(MACHINE) $(PIP_WHEEL)
	CHARGEN_PLATFORM=manylinux_2_35_$(MACHINE) CHARGEN_TRAINER=$(CURDIR)/build/share/trainer $(PIP_WHEEL)

# MARK: - The main job

NAMES = examples/place-names.txt

demo: all examples
	rm -rf build/place-names.cgw
	$(MAKE) --no-print-directory build/place-names.cgw
	@echo; echo "New names from the C program:"
	build/examples/names build/place-names.cgw 10 1 $(NAMES)
	@echo; echo "New names from the Python program:"
	$(PYTHON) examples/python/names.py build/place-names.cgw --seed 2 --list $(NAMES)

build/place-names.cgw: $(NAMES) | trainer
	rm -rf build/place-names
	build/trainer train --documents line $(NAMES) --epochs 24 \
		--run build/place-names
	build/trainer export $@ --run build/place-names

# MARK: - Installation

PREFIX = /usr/local
DESTDIR =
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DATADIR = $(PREFIX)/share
VERSION = $(shell awk '/define CHARGEN_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $$3; dot = "." }' \
	include/chargen.h)

# Neither builds anything, so that root needs no Swift.
install uninstall:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' BINDIR='$(BINDIR)' LIBDIR='$(LIBDIR)' \
		INCLUDEDIR='$(INCLUDEDIR)' DATADIR='$(DATADIR)' packaging/install.sh $@ $(VERSION) $(SONAME)

MAINTAINER = $(shell git config user.name) <$(shell git config user.email)>

deb: all
	packaging/deb.sh $(SONAME) '$(MAINTAINER)' build

# Slow: both packages in a Debian of their own, from the package archive.
test-deb: deb
	Tests/InstallTests/deb.sh build build/place-names.cgw

# MARK: - Tests

test: deps lint test-swift test-ranks conformance test-languages test-install test-wheel
test: EVERY = 64

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Benchmarks
	$(PYTHON) Tests/Lint/test_prose.py && $(PYTHON) Tests/Lint/prose.py

test-swift: requirements
	@# Every target declares each module that it imports.
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT) test

# With HOSTS=4, as root, each rank has a network of its own.
HOSTS = 0
test-ranks: trainer
	$(PYTHON) -B Tests/RankTests/ranks.py build/trainer --hosts $(HOSTS)

test-library: test-abi all library-aarch64 examples build/place-names.cgw
	Tests/LibraryTests/run.sh build/libchargen.so build/trainer

test-web: web
	Tests/WebTests/web.sh build/web

# Parts of the arithmetic, texts and trainings on every processor at hand: the functions of one
# number of a block in EVERY of 65,536 floats. 1 takes ten minutes.
EVERY = 8
conformance: test-library test-web
	CHARGEN_CONFORMANCE=1 $(SWIFT) build -c release --traits Embedded --scratch-path .build-embedded --target ConformanceFunctions
	CHARGEN_CONFORMANCE=1 $(AARCH64) --target ConformanceFunctions
	CHARGEN_CONFORMANCE=1 $(WASM) --target ConformanceFunctions
	Tests/Conformance/run.sh build $(EVERY)

test-install: all build/place-names.cgw
	Tests/InstallTests/run.sh build/place-names.cgw

# Those whose tools are installed.
test-languages: library build/place-names.cgw
	Tests/LibraryTests/languages.sh build build/place-names.cgw

NODE_INCLUDE = $(firstword $(wildcard /usr/include/node /usr/local/include/node))
build/chargen.node: examples/node/binding.c include/chargen.h | library
	$(CC) -std=c11 -O2 $(WARNINGS) -fPIC -shared -DNAPI_VERSION=8 -Iinclude -I$(NODE_INCLUDE) $< \
		-Lbuild -lchargen -Wl,-rpath,'$$ORIGIN' -o $@

test-wheel: wheel build/place-names.cgw
	Tests/InstallTests/wheel.sh build/wheels build/place-names.cgw

# The header's binary interface against the recorded one: see docs/release.md.
test-abi:
	Tests/LibraryTests/abi.sh

# Slow: the Swift tests under sanitizers. valgrind checks for leaks in test-library; the address
# sanitizer's leak check would report the toolchain's own.
test-sanitized: requirements
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize address --scratch-path .build-address
	$(SWIFT) test --sanitize thread --scratch-path .build-thread --filter 'CAPITests|InferenceEngineTests|TrainingTests'

# Slow: random calls of the library under sanitizers, and with memory refused.
CALLS = 10000000
test-sequences: library
	Tests/Slow/sequences.sh $(SWIFT) $(CALLS)

# Slow: stop strings, patterns, templates and pieces of UTF-8, in many texts.
TEXTS = 100000
test-texts: library
	PYTHONPATH=examples/python:Tests/LibraryTests CHARGEN_LIBRARY=$(CURDIR)/build/libchargen.so \
		$(PYTHON) Tests/Slow/texts.py $(TEXTS)

# Slow: random model files, valid and not, and all small damage.
FILES = 10000
test-format: library
	PYTHONPATH=examples/python:Tests/LibraryTests CHARGEN_LIBRARY=$(CURDIR)/build/libchargen.so \
		$(PYTHON) Tests/LibraryTests/test_cgw.py $(FILES)

# libFuzzer comes with Swift. What it found and learned stays in build/fuzz; TARGETS may name some
# of model, snapshot, pattern, checkpoint, import and corpus.
TIME = 120
TARGETS =
FUZZ = CHARGEN_FUZZ=1 $(SWIFT) build -c release --scratch-path .build-fuzz
fuzz: requirements
	$(FUZZ) --product fuzz $(addprefix -Xswiftc ,-sanitize=fuzzer -enforce-exclusivity=checked \
		-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
	Tests/Fuzz/run.sh "$$($(FUZZ) --show-bin-path)/fuzz" build/fuzz $(TIME) $(TARGETS)

# Slow: each kind of training is killed at random instants, at least KILLS times, resumed, and
# compared.
KILLS = 1
test-kill: trainer
	$(PYTHON) Tests/Slow/kill.py build/trainer --kills $(KILLS)

# Slow: calls of the system fail or are interrupted, each in a run of its own. SAMPLE=100000 takes
# all allocations of a training.
SAMPLE = 1000
test-faults: trainer library
	@mkdir -p build/faults
	$(CC) -std=gnu11 -O2 $(WARNINGS) -shared -fPIC Tests/Faults/fail.c -o build/faults/fail.so
	$(CC) -std=c99 -O2 $(WARNINGS) -Iinclude Tests/Faults/load.c $(LINK) -o build/faults/load
	$(PYTHON) Tests/Faults/faults.py build/trainer build/faults/fail.so build/faults/load \
		--sample $(SAMPLE)

# PyTorch and ONNX Runtime, for tests and benchmarks.
PEERS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chargen/peers

# Slow: networks of PyTorch, and models in PyTorch, in ONNX Runtime and in a program without files.
test-torch: all $(PEERS)/installed
	PYTHONPATH=examples/python CHARGEN_LIBRARY=$(CURDIR)/build/libchargen.so \
		$(PEERS)/bin/python Tests/Slow/pytorch.py build/trainer build $(TEXT)

# MARK: - Benchmarks

BENCHMARKS = build/benchmarks

bench: $(BENCHMARKS)/engine $(BENCHMARKS)/sgemm benchmark-models
	$(BENCHMARKS)/engine bench $(BENCHMARKS)/models
	$(BENCHMARKS)/sgemm

bench-score: $(BENCHMARKS)/engine benchmark-models
	$(BENCHMARKS)/engine score $(BENCHMARKS)/models/lstm-512x2-f32.cgw
	$(BENCHMARKS)/engine score $(BENCHMARKS)/models/lstm-512x2-int8.cgw

bench-allocations: $(BENCHMARKS)/engine benchmark-models
	for weights in f32 bf16 int8 int4; do \
		echo "lstm-128x2-$$weights"; \
		$(BENCHMARKS)/engine allocations $(BENCHMARKS)/models/lstm-128x2-$$weights.cgw || exit 1; \
	done

bench-peers: $(BENCHMARKS)/engine benchmark-models $(PEERS)/installed
	$(PEERS)/bin/python Benchmarks/peers.py --engine $(BENCHMARKS)/engine --models $(BENCHMARKS)/models

bench-ranks: trainer
	$(PYTHON) -B Benchmarks/training/ranks.py build/trainer $(TEXT)

bench-train: trainer $(BENCHMARKS)/sgemm
	$(PYTHON) Benchmarks/training/train.py --trainer build/trainer --sgemm $(BENCHMARKS)/sgemm

bench-train-peers: trainer $(BENCHMARKS)/sgemm $(PEERS)/installed
	$(PEERS)/bin/python Benchmarks/training/train.py --trainer build/trainer --sgemm $(BENCHMARKS)/sgemm --peers \
		$(if $(TEXT),--text $(TEXT))

benchmark-models: requirements
	$(SWIFT) build -c release $(STANDALONE) --product benchmark-models
	"$$($(SWIFT) build -c release $(STANDALONE) --show-bin-path)/benchmark-models" $(BENCHMARKS)/models

# Compiled for this machine alone, so that its reading loop uses the widest registers.
$(BENCHMARKS)/engine: $(wildcard Benchmarks/engine/*) include/chargen.h | library
	@mkdir -p $(BENCHMARKS)
	$(CC) -std=c99 -O3 -march=native $(WARNINGS) -Iinclude $(filter %.c,$^) $(LINK) -o $@

$(BENCHMARKS)/sgemm: Benchmarks/sgemm.c | requirements
	$(call require_library,cblas.h,openblas,libopenblas-dev)
	@mkdir -p $(BENCHMARKS)
	$(CC) -std=c99 -O2 $(WARNINGS) $< -lopenblas -o $@

# The CPU build of PyTorch, if the package index has it: the default build is gigabytes larger.
$(PEERS)/installed:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet torch==2.13.0+cpu || $(PEERS)/bin/pip install --quiet torch==2.13.0
	$(PEERS)/bin/pip install --quiet numpy onnx onnxruntime safetensors
	touch $@

# MARK: - System packages

deps:
	@missing=""; for package in $(BUILD_PACKAGES) $(TEST_PACKAGES); do \
		dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "These packages are missing:$$missing" >&2; \
		echo "Run 'make deps' as root on Debian or Ubuntu, or install what your system calls them." >&2; \
		exit 1; \
	fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing

# Stops if command $(1) is missing; $(2) says where it comes from.
define require_command
@command -v $(1) >/dev/null || { echo "The command '$(1)' is missing: $(2)." >&2; exit 1; }
endef

# Stops if the compiler does not find header $(1) or library $(2), both in package $(3).
define require_library
@echo 'int main(void) { return 0; }' | $(CC) -include $(1) -x c - -l$(2) -o /dev/null 2>/dev/null || { \
	echo "$(1) or -l$(2) is not found: run 'make deps' as root, or install what your system calls $(3)." >&2; \
	exit 1; \
}
endef

# What the build needs. It installs nothing.
requirements:
	$(call require_command,$(SWIFT),install Swift 6.3 or later from swift.org/install)
	$(call require_command,$(CC),run 'make deps' as root)
	$(call require_command,$(PYTHON),run 'make deps' as root)
	$(call require_library,zstd.h,:libzstd.a,libzstd-dev)

clean:
	rm -rf build .build .build-*
