#!/bin/sh
# Run a command where windows can open without a screen: under Xvfb on Linux (Mesa draws, OpenGL included).
# On Debian and Ubuntu what is missing is installed first; elsewhere it is named.
set -eu

packages="xvfb xauth libgl1 libegl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0
libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3"

if [ "$(uname)" != Linux ]; then
    exec "$@"
fi

if command -v apt-get >/dev/null; then
    missing=""
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        root=""
        if [ "$(id -u)" != 0 ]; then root="sudo"; fi
        echo "Installing the system packages$missing"
        $root apt-get update -qq
        # shellcheck disable=SC2086
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    fi
elif ! command -v xvfb-run >/dev/null; then
    echo "The tests open windows: install Xvfb with xvfb-run, Mesa's software OpenGL (libGL, libEGL) and the xcb" >&2
    echo "libraries of Qt (xkbcommon-x11, xcb-cursor, -icccm, -image, -keysyms, -randr, -render-util, -shape, -xinerama)." >&2
    exit 1
fi

exec xvfb-run -a -s "-screen 0 1920x1080x24" "$@"
