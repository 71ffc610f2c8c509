# The two commands of the README are `make run` and `make test`; everything else is for developers.

BIN := .build/release
SWIFT_BUILD := swift build -c release
APT_BUILD := libsystemd-dev zlib1g-dev
APT_TEST := systemd-journal-remote curl gcc python3
APT_PACKAGE := patchelf binutils dpkg-dev
APT_PACKAGE_TEST := systemd-journal-remote curl gcc python3 man-db groff

.PHONY: run test build install deb check-packages check-description bench bench-follow lint format abi check-toolchain dependencies test-dependencies \
	package-dependencies clean

# Serves this machine's journal on http://127.0.0.1:8080 and prints the curl line that follows it, with its token.
run: build
	$(BIN)/loghost serve

build: check-toolchain dependencies
	$(SWIFT_BUILD)

# One build for everything: the tests start the very program that is shipped.
# One test after the other: those that wait for something must not queue behind others that keep all processors busy.
test: build test-dependencies abi
	swift test -c release --disable-testable-imports --no-parallel

# The headers alone, with every C and C++ compiler there is, and the example plugin in C.
abi: test-dependencies
	sh Tests/ABI/check.sh

# Puts what is built into place: PREFIX (/usr/local), SYSCONFDIR, UNITDIR, DESTDIR, STRIP; see Packaging/install.sh.
install: package-dependencies
	BUILD=$(BIN) PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' DESTDIR='$(DESTDIR)' STRIP='$(STRIP)' Packaging/install.sh

# Debian packages in .build/deb, for machines without Swift.
deb: build package-dependencies
	BUILD=$(BIN) Packaging/deb.sh

# What is built, as packages, in a root of its own; needs root or user namespaces.
check-packages: package-dependencies
	$(call install_missing,$(APT_PACKAGE_TEST))
	BUILD=$(BIN) Tests/Packaging/check.sh

# What the host says of itself, asked by schemathesis (PyPI).
check-description: build
	BUILD=$(BIN) python3 -B Tests/Description/check.py

bench: build
	python3 Benchmarks/run.py --loghost $(BIN)/loghost
	python3 Benchmarks/large.py --loghost $(BIN)/loghost
	python3 Benchmarks/sandbox.py --loghost $(BIN)/loghost

# Thousands of followers of a journald; needs root.
bench-follow: build
	python3 Benchmarks/follow.py --loghost $(BIN)/loghost

lint:
	swift format lint --strict --recursive --parallel Sources Plugins Tests Package.swift

format:
	swift format format --in-place --recursive --parallel Sources Plugins Tests Package.swift

check-toolchain:
	@command -v swift >/dev/null || { echo "Swift 6.3 or newer is needed: https://www.swift.org/install/linux/"; exit 1; }

# Installs a Debian package only when it is missing, and says so.
define install_missing
	@for package in $(1); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' && continue; \
		echo "Installing $$package"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		{ $$sudo apt-get install -y -qq $$package >/dev/null 2>&1 \
			|| { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $$package >/dev/null; }; } \
			|| { echo "$$package cannot be installed; install it by hand"; exit 1; }; \
	done
endef

dependencies:
	$(call install_missing,$(APT_BUILD))

test-dependencies:
	$(call install_missing,$(APT_TEST))

package-dependencies:
	$(call install_missing,$(APT_PACKAGE))

clean:
	rm -rf .build Benchmarks/.build
