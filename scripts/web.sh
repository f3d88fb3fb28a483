# Sourced by scripts/run and scripts/test, after packages.sh: Node, packages of npm by name, and what is built with them.
# There are no lock files, which would hold addresses of registries: each package.json names exact versions.

# Fetched from npm where the distribution's Node is too old for the web client's tools.
node_version=22.23.5

node_is_new_enough() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null
}

# Leaves node and npm on the PATH; fails, having said why, where they cannot be had.
install_node() {
  local bin=$PWD/build/node/node_modules/.bin architecture
  if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    install nodejs || return 1
    command -v npm >/dev/null || install npm || return 1 # some nodejs packages bring it along
  fi
  node_is_new_enough && return 0
  case $(uname -m) in
    x86_64) architecture=x64 ;;
    aarch64) architecture=arm64 ;;
    *) say "Node $(node --version) is too old, and there is no other for $(uname -m)"; return 1 ;;
  esac
  if [ "$("$bin/node" --version 2>/dev/null)" != "v$node_version" ]; then
    say "Node $(node --version) is too old: fetching $node_version"
    npm_run install --prefix build/node "node-linux-$architecture@$node_version" || return 1
  fi
  PATH=$bin:$PATH
  hash -r
  node_is_new_enough
}

# npm_run ARGUMENT...: npm without locks, scripts of packages and advertisements.
npm_run() {
  # What does not answer is asked again after a minute, not after npm's five.
  npm --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier --fetch-timeout=60000 "$@" >&2
}

# npm_install FOLDER: what its package.json asks for, unless that is what was installed last.
npm_install() {
  local asked=$1/package.json installed=$1/node_modules/.installed.json
  cmp -s "$asked" "$installed" && return 0
  say "installing what $asked names"
  (cd "$1" && npm_run install) && mkdir -p "$1/node_modules" && cp "$asked" "$installed"
}

# npm_build FOLDER SOURCE...: its dist/, unless that is newer than all files of the folder and of the sources. What
# builds leave there, as dist-double and generated code in gen, is no source.
npm_build() {
  local folder=$1 built=$1/dist/.built
  if [ -e "$built" ] && [ -z "$(find "$@" \( -name node_modules -o -name gen -o -name 'dist*' \) -prune \
    -o -type f -newer "$built" -print -quit)" ]; then
    return 0
  fi
  npm_install "$folder" || return 1
  say "building $folder"
  local began
  began=$(mktemp) # what changes during the build is for the next one
  (cd "$folder" && npm run --silent build >&2) && touch -r "$began" "$built"
  local outcome=$?
  rm -f "$began"
  return $outcome
}

# src/web/client/dist, with the SDK that is a part of it.
build_web_client() {
  local schema="src/protocol include/godwit" # what the SDK generates code from
  install_node || return 1
  # shellcheck disable=SC2086
  npm_build src/web/sdk $schema && npm_build src/web/client src/web/sdk $schema
}

# npm_scripts FOLDER SCRIPT...: runs scripts of its package.json.
npm_scripts() {
  local folder=$1 script
  shift
  npm_install "$folder" || return 1
  for script in "$@"; do
    say "$folder: $script"
    (cd "$folder" && npm run --silent "$script" >&2) || return 1
  done
}
