#!/bin/sh
# find_browser.sh PYTHON: a Chromium and fonts for the browser tests. Uses what is there; installs
# Debian's packages where that is possible; else lets Playwright fetch its own Chromium.
set -eu
python=$1

browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        # Ubuntu's chromium-browser may be a stub that only tells how to install a snap.
        if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

chinese() { fc-list :lang=zh-cn family 2>/dev/null | grep -q .; }
emoji() { fc-list :lang=und-zsye family 2>/dev/null | grep -q .; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

packages=
browser || packages="chromium"
if [ "$(uname)" = Linux ]; then
    chinese || packages="$packages fontconfig fonts-noto-cjk"
    emoji || packages="$packages fontconfig fonts-noto-color-emoji"
fi

if [ -n "$packages" ] && command -v apt-get >/dev/null 2>&1 && as_root true 2>/dev/null; then
    echo "Installing for the browser tests: $packages"
    log=$(mktemp)
    # shellcheck disable=SC2086  # several packages
    if ! { as_root apt-get -o DPkg::Lock::Timeout=120 update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
            install -y -qq --no-install-recommends $packages; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "apt-get could not install them." >&2
    fi
    rm -f "$log"
fi

browser || "$python" -m playwright install chromium || {
    echo "The browser tests need Chromium or Chrome on the PATH." >&2
    exit 1
}
if [ "$(uname)" = Linux ]; then
    chinese || echo "No Chinese font was found: tests that look at Chinese text may fail." >&2
    emoji || echo "No emoji font was found: tests that look at emoji may fail." >&2
fi
