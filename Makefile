# make demo   build, create and seed the hiring example, serve it on 127.0.0.1:8000
# make test   run everything; installs and starts by itself what the tests need
# make lint   formatting and clippy
# make fuzz   everything that reads input, each for FUZZ_SECONDS (60) against generated input; TARGET=name for one
# make bench  what a request costs, beside the same endpoints written by hand

CARGO ?= cargo
DEMO := target/demo
LISTEN ?= 127.0.0.1:8000

.PHONY: demo test test-crash test-schemathesis lint fuzz bench

demo:
	$(CARGO) build --release --package plinth
	@test -d $(DEMO) || target/release/plinth new $(DEMO) --example hiring >/dev/null
	@target/release/plinth dev --project $(DEMO) --listen $(LISTEN) --seed

test:
	tests/prepare
	$(CARGO) test --workspace

# The durability loop at length: 100 rounds of kill -9 under write load (make test runs a short one).
test-crash:
	CRASH_ROUNDS=$${CRASH_ROUNDS:-100} $(CARGO) test --package plinth-tests --test crash -- --nocapture

fuzz:
	fuzz/run $(TARGET)

# Requests made up from the OpenAPI document, at length: far more than ten thousand (make test makes a few hundred).
test-schemathesis:
	tests/prepare
	SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-60} $(CARGO) test --package plinth-tests --test schemathesis -- --nocapture

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# BENCH takes the options of bench/bench.py: make bench BENCH="--only by_key --profile by_key".
bench:
	bench/bench.py $(BENCH)
