#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages without letting them start or enable system services. Runs as root.
# Which packages: ./dev setup knows. Everything changed for the installation is undone at its end.
# usage: install_packages.sh PACKAGE...
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly policy=/usr/sbin/policy-rc.d
readonly cluster_folder=/etc/postgresql-common/createcluster.d
readonly cluster_file=$cluster_folder/headroom-setup.conf
made_policy=no
made_folders=()

undo() {
    if [[ $made_policy == yes ]]; then rm -f "$policy"; fi
    rm -f "$cluster_file"
    for folder in "${made_folders[@]}"; do
        rmdir --ignore-fail-on-non-empty "$folder" || true
    done
}
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Asked by invoke-rc.d before any service starts; 101 forbids it.
forbid_service_starts() {
    if [[ -e $policy ]]; then return; fi
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

# Postgres' package makes a database cluster when it is installed first; nobody here uses that one.
forbid_main_cluster() {
    local folder
    for folder in "$cluster_folder" "${cluster_folder%/*}"; do
        if [[ ! -d $folder ]]; then made_folders+=("$folder"); fi
    done
    mkdir -p "$cluster_folder"
    printf 'create_main_cluster = false\n' >"$cluster_file"
}

# A package that enables its service would have it started at the next boot.
disable_services_of() {
    local package
    for package in "$@"; do
        if [[ $package == redis-server ]]; then update-rc.d redis-server disable; fi
    done
}

forbid_service_starts
forbid_main_cluster
apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confold install --no-install-recommends "$@"
disable_services_of "$@"
