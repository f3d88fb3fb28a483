# Sourced by scripts/run and scripts/test: installs Debian or Ubuntu packages that are missing, by name.

# With the time since the script began.
say() { printf '\033[1m== %d:%02d  %s\033[0m\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The first of the names that the distribution has; names differ between releases.
first_known() {
  for name in "$@"; do
    if dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' ||
      apt-cache show "$name" >/dev/null 2>&1; then
      echo "$name"
      return 0
    fi
  done
  echo "$1"
}

# install NAME...: a word may be "a|b" for either name.
install() {
  local missing=() word name updated=
  for word in "$@"; do
    IFS='|' read -r -a names <<<"$word"
    for name in "${names[@]}"; do
      dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' && continue 2
    done
    if [ -z "$updated" ]; then
      say "refreshing the package lists"
      as_root apt-get update -qq
      updated=1
    fi
    missing+=("$(first_known "${names[@]}")")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

install_build_packages() {
  install build-essential cmake curl ninja-build ccache pkg-config 'libboost1.81-dev|libboost1.83-dev|libboost-dev' \
    librocksdb-dev libsodium-dev libspdlog-dev nlohmann-json3-dev protobuf-compiler libprotobuf-dev libssl-dev \
    libcli11-dev libmimalloc-dev prometheus-cpp-dev libxxhash-dev zlib1g-dev libgtest-dev libgmock-dev
}

install_test_packages() {
  # coturn without a configuration relays for everyone: where it comes for the tests only, it stays off.
  if [ ! -e /usr/bin/turnserver ] && command -v systemctl >/dev/null; then
    as_root systemctl mask coturn.service >&2 || say "could not mask coturn.service; stop it after the installation"
  fi
  # prometheus for promtool, openssl for certificates, faketime for clock jumps, chromium and a font for pages.
  install python3 python3-pytest python3-pytest-xdist python3-nacl openssl prometheus rocksdb-tools util-linux faketime procps \
    coturn 'chromium|chromium-browser' fonts-noto-color-emoji
}

# build PRESET TARGET...: configures once, then builds.
build() {
  local preset=$1
  shift
  say "building $preset: $*"
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
  cmake --build --preset "$preset" --target "$@" >&2
}
