# Everything that is done with Hermes during development. `just` lists it.

# Arguments reach the commands as they were given, spaces and all.
set positional-arguments

default:
    @just --list

# Play a sign-up between local stand-ins for TutorCruncher and Pipedrive, and stay up for more
sandbox *args:
    cargo run -- sandbox "$@"

# Run the server with the settings of `.env`
run *args:
    cargo run -- serve "$@"

# Bring the database to this version (`--status` shows, `--down N` takes back)
migrate *args:
    cargo run -- migrate "$@"

# Read the pipelines of your Pipedrive account, and note where new deals start
setup *args:
    cargo run -- setup "$@"

# Find the custom fields of your Pipedrive account (`--create` makes those that are missing)
setup-fields *args:
    cargo run -- setup fields "$@"

# Make admins of Pipedrive's users
setup-admins *args:
    cargo run -- setup admins "$@"

# Have Pipedrive tell Hermes of changes (`--url https://hermes.example`)
setup-webhooks *args:
    cargo run -- setup webhooks "$@"

# Say what is not in order, and what to do about it
doctor *args:
    cargo run -- doctor "$@"

# Delete everything that Hermes keeps, and begin anew (asks first; `--yes` does not)
reset-db *args:
    cargo run -- reset-db "$@"

# All tests
test *args:
    cargo test --workspace "$@"

# Random histories of TC2, Pipedrive and Hermes, far more than the tests play (again with the same: `HERMES_SEED=7 just soak`)
soak histories='5000':
    HERMES_HISTORIES={{histories}} HERMES_SEED=${HERMES_SEED:-$(date +%s)} cargo test -p hermes-tests --test it -- --nocapture convergence::

# Random calendars, of which every free call is offered and can be booked, far more than the tests fill
calendars count='1000':
    HERMES_CALENDARS={{count}} cargo test -p hermes-tests --test it -- availability::calendars::

# Lines that the tests reach (needs cargo-llvm-cov)
coverage *args:
    cargo llvm-cov --workspace "$@"

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
    cargo run --release -p hermes-bench -- "$@"
