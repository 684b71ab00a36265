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

# Licences, banned and duplicate crates, sources and advisories.
deny:
    cargo deny --locked check

# Side by side with OpenSSL, aws-lc-rs, age and rage on this machine. `just bench short` is quick and rough.
bench length="long":
    KEYSTEAD_BENCH={{length}} tests/bench/run

# Write the manual pages into a folder.
man folder:
    cargo run --release --locked -- man --dir {{folder}}
