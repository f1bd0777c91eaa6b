# Everything that is done with Hermes during development. `just` lists it.

default:
    @just --list

# Play a sign-up between local stand-ins for TutorCruncher and Pipedrive, and stay up for more
sandbox *args:
    cargo run -- sandbox {{args}}

# Run the server with the settings of `.env`
run *args:
    cargo run -- serve {{args}}

# Bring the database to this version (`--status` shows, `--down N` takes back)
migrate *args:
    cargo run -- migrate {{args}}

# Delete everything that Hermes keeps, and begin anew (asks first; `--yes` does not)
reset-db *args:
    cargo run -- reset-db {{args}}

# All tests
test *args:
    cargo test --workspace {{args}}

# Random histories of TC2, Pipedrive and Hermes, far more than the tests play (again with the same: `HERMES_SEED=7 just soak`)
soak histories='5000':
    HERMES_HISTORIES={{histories}} HERMES_SEED=${HERMES_SEED:-$(date +%s)} cargo test -p hermes-tests --test it -- --nocapture convergence::

# Random calendars, of which every free call is offered and can be booked, far more than the tests fill
calendars count='1000':
    HERMES_CALENDARS={{count}} cargo test -p hermes-tests --test it -- availability::calendars::

# Lines that the tests reach (needs cargo-llvm-cov)
coverage *args:
    cargo llvm-cov --workspace {{args}}

# Format everything
fmt:
    cargo fmt --all

# What CI demands besides the tests
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Everything that CI does
ci:
    .ci/run

# Measure, as ratios to PostgreSQL's own benchmark on the same machine
bench *args:
    cargo build --release -p hermes
    cargo run --release -p hermes-bench -- {{args}}
