# Sourced by script/demo and script/test: makes .venv and keeps it complete. Plain sh, asks nothing, needs only python3.
# The caller sets $root (the checkout) and $me (its own name, for messages).

venv="$root/.venv"

say() {
    printf '%s: %s\n' "$me" "$*" >&2
}

# Installs Debian packages when that is possible without asking; false otherwise.
apt_install() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    try_apt_install "$@" && return
    apt-get -qq update >/dev/null 2>&1 </dev/null && try_apt_install "$@"
}

try_apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
        install "$@" >/dev/null 2>&1 </dev/null
}

# Sets $python to the first Python that is new enough.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    done
    say "needs Python 3.11 or newer (Debian 12, Ubuntu 24.04 and later have it): apt-get install python3"
    exit 1
}

# Makes an empty .venv with pip in it: by ensurepip, which Debian keeps in a package of its own, else by a pip that is
# there.
make_venv() {
    rm -rf "$venv"
    "$python" -c 'import ensurepip' 2>/dev/null || "$python" -c 'import pip' 2>/dev/null ||
        apt_install "$(venv_package)" || true
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv" >/dev/null 2>&1 && return
        rm -rf "$venv"
    fi
    "$python" -c 'import pip' 2>/dev/null && "$python" -m venv --without-pip "$venv" &&
        "$python" -m pip --python "$venv/bin/python" --quiet --disable-pip-version-check install pip
}

# Debian's package with the venv of $python.
venv_package() {
    case $python in
        python3) echo python3-venv ;;
        *) echo "$python-venv" ;;
    esac
}

# True when there is a .venv that works and was not moved here from another folder.
usable_venv() {
    [ "$(cat "$venv/.root" 2>/dev/null || echo "$root")" = "$root" ] &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

# What an installed .venv depends on: when any of it changes, it is installed again.
fingerprint() {
    printf '%s\n' "$root"
    "$venv/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null
    cksum <"$root/setup.py"
}

# ensure_venv EXTRA: .venv holds cloudplow (this checkout, editable) with the extra's packages.
ensure_venv() {
    command -v flock >/dev/null 2>&1 && exec 9<"$root" && flock 9
    stamp="$venv/.installed-$1"
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$(fingerprint)" ]; then
        say "preparing .venv (only the first time; about a minute)"
        find_python
        usable_venv || make_venv || {
            [ "$(id -u)" -eq 0 ] && sudo= || sudo="sudo "
            say "cannot make a virtual environment; this cures it: ${sudo}apt-get install $(venv_package)"
            exit 1
        }
        printf '%s\n' "$root" >"$venv/.root"
        (unset PIP_USER PIP_TARGET PIP_PREFIX && cd "$root" &&
            "$venv/bin/python" -m pip -qq --disable-pip-version-check --no-input install --editable ".[$1]" </dev/null) || {
            say "pip could not install the packages (see above)"
            exit 1
        }
        fingerprint >"$stamp"
    fi
    exec 9<&-
}
