# Sets up, inside the working tree, what ./run, ./test and ./dist need. To be sourced; $root is the working tree.
#
#   .venv            Python packages of requirements/run.txt (and test.txt, world.txt, browser.txt) and the shim's sources
#   .build/jars      the server and what it depends on
#   .build/runtime   a Java runtime linked from the JDK
#   .build/spark     for clusters on this machine: Spark's jars, and ours for its executors
#   .build/runtime-spark   a Java runtime with what Spark needs beside that
#   .build/tools     what deploy/ is checked with: Helm, promtool
#   .build/stamps    one empty file for each of these: anything newer than its stamp makes it out of date
#   .build/log       what the tools printed
#
# shellcheck shell=bash

readonly venv=$root/.venv
readonly jars=$root/.build/jars
readonly runtime=$root/.build/runtime
readonly spark=$root/.build/spark
readonly spark_runtime=$root/.build/runtime-spark
readonly tools=$root/.build/tools
readonly stamps=$root/.build/stamps
readonly logs=$root/.build/log

# java.logging: protobuf, gRPC. java.management, jdk.management: Py4J's and our own metrics. java.naming, java.xml:
# logging and name resolution. java.net.http: the daemon sends spans with it.
# jdk.jfr: events of the reader of Parquet. jdk.unsupported: sun.misc.Unsafe for protobuf and Arrow.
# jdk.incubator.vector: it carries libjsvml; the module itself is never added at run time.
readonly runtime_modules=java.base,java.logging,java.management,java.naming,java.net.http,java.xml,jdk.jfr,jdk.management,jdk.unsupported,jdk.incubator.vector

# Beside these, for Spark: java.desktop has the beans that Log4j is configured by, jdk.zipfs serves its pages from a jar,
# the others are Hadoop's. Spark adds jdk.incubator.vector to its executors. Nothing is drawn: the libraries that draw are
# left out.
readonly spark_modules=$runtime_modules,java.desktop,java.security.jgss,java.security.sasl,java.sql,jdk.security.auth,jdk.zipfs
readonly drawing_libraries=awt,fontmanager,freetype,harfbuzz,javajpeg,jawt,jsound,lcms,mlib,splashscreen

say() { printf 'maniple: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Runs a command with its output in a log, which is shown only when the command fails.
logged() {
  local name=$1
  shift
  if ! "$@" >"$logs/$name" 2>&1 </dev/null; then
    tail -n 40 "$logs/$name" >&2
    die "failed: $* (all output: $logs/$name)"
  fi
}

# True when the stamp is missing, or one of the paths, or anything in them, has changed since.
outdated() {
  local stamp=$stamps/$1
  shift
  [[ ! -e $stamp || -n $(find "$@" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

jars_outdated() {
  local pom inputs=("$root/pom.xml" "$root/.mvn" "$root/mvnw")
  for pom in "$root"/*/pom.xml; do
    inputs+=("$pom")
    if [[ -d ${pom%/*}/src/main ]]; then inputs+=("${pom%/*}/src/main"); fi
  done
  [[ ! -d $jars ]] || outdated jars "${inputs[@]}"
}

runtime_outdated() { [[ ! -x $runtime/bin/java ]] || outdated runtime "$root/scripts/setup.sh"; }

python_outdated() { [[ ! -x $venv/bin/python ]] || outdated "python-$1" "$root/requirements/$1.txt"; }

# Marks a part as up to date as of the moment its inputs were read, which is before it was built.
begin() { : >"$stamps/$1.new"; }
finish() { mv "$stamps/$1.new" "$stamps/$1"; }

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  die "needs Python 3.11 or newer with venv: install python3 and python3-venv (Debian, Ubuntu) or python3 (others)"
}

# The major version of the JDK in a folder, or 0 where there is none.
jdk_version() {
  local home=$1 line
  if [[ -x $home/bin/javac && -r $home/release ]]; then
    while read -r line; do
      if [[ $line =~ ^JAVA_VERSION=\"([0-9]+) ]]; then
        echo "${BASH_REMATCH[1]}"
        return
      fi
    done <"$home/release"
  fi
  echo 0
}

find_jdk() {
  local home javac
  javac=$(command -v javac || true)
  for home in "${JAVA_HOME:-}" ${javac:+"$(dirname "$(dirname "$(realpath "$javac")")")"} \
    /usr/lib/jvm/* /opt/* /opt/java/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [[ -n $home && $(jdk_version "$home") -ge 25 ]]; then
      echo "$home"
      return
    fi
  done
  die "needs JDK 25 or newer: install temurin-25-jdk (https://adoptium.net) or set JAVA_HOME to one"
}

# maven JDK ARGS…: Maven by its wrapper.
maven() { (cd "$root" && JAVA_HOME=$1 ./mvnw -B "${@:2}"); }

setup_python() {
  local kind=$1 python
  python_outdated "$kind" || return 0
  begin "python-$kind"
  if [[ ! -x $venv/bin/python ]]; then
    python=$(find_python)
    say "creating .venv with $python"
    rm -rf "$venv"
    logged venv "$python" -m venv "$venv"
  fi
  say "installing the Python packages of requirements/$kind.txt"
  logged "pip-$kind" "$venv/bin/python" -m pip install --disable-pip-version-check -r "$root/requirements/$kind.txt"
  # The shim is imported from its sources; relative to site-packages, so that the working tree can be moved.
  local site
  for site in "$venv"/lib/python3.*/site-packages; do
    echo ../../../../python-shim/src >"$site/maniple-source.pth"
  done
  finish "python-$kind"
}

bytecode_outdated() { outdated bytecode "$root"/python-shim/src/maniple/*.py; }

# Where PYTHONDONTWRITEBYTECODE is set nobody else would, and every start would compile the shim anew.
setup_bytecode() {
  bytecode_outdated || return 0
  begin bytecode
  "$venv/bin/python" -m compileall -q "$root/python-shim/src/maniple" || true
  finish bytecode
}

# A server of the old jars goes on for those that use it; nobody else finds it any more.
forget_server() {
  PYTHONPATH=$root/python-shim/src "$venv/bin/python" -c "
from maniple._server import Configuration
Configuration.from_environment().discovery_file.unlink(missing_ok=True)
" || true
}

setup_jars() {
  jars_outdated || return 0
  local home new=$root/.build/jars.new
  home=$(find_jdk)
  say "building the Java server"
  begin jars
  rm -rf "$root/server/target/quick/jars" "$root/daemon/target/quick/jars"
  logged maven maven "$home" -q -Dquick -pl daemon -am package
  # The new folder takes the place of the old one in one step, so that a server that starts meanwhile finds all jars.
  rm -rf "$new"
  cp -r "$root/server/target/quick/jars" "$new"
  # JCuda's native library, unpacked: nobody may plant one where it would otherwise be looked for.
  cp -r "$root/kernels-cuda/target/quick/native" "$new/native"
  # What only the daemon needs lies apart: the local server starts faster without it.
  mkdir "$new/daemon"
  local jar
  for jar in "$root"/daemon/target/quick/jars/*.jar; do
    if [[ ! -e $new/${jar##*/} ]]; then cp "$jar" "$new/daemon/"; fi
  done
  rm -rf "$root/.build/jars.old"
  if [[ -d $jars ]]; then mv "$jars" "$root/.build/jars.old"; fi
  mv "$new" "$jars"
  forget_server
  finish jars
}

# link NAME TARGET MODULES [JLINK'S OPTIONS…]: links a runtime and puts it in the place of the old one.
link() {
  local name=$1 target=$2 modules=$3 home new=$2.new
  home=$(find_jdk)
  say "linking a Java runtime from $home${4:+ for Spark}"
  begin "$name"
  rm -rf "$new"
  if "$home/bin/jlink" --add-modules "$modules" --output "$new" --strip-debug --no-header-files --no-man-pages \
    --compress zip-0 --generate-cds-archive "${@:4}" >"$logs/jlink-$name" 2>&1; then
    # The second archive is for heaps beyond 32 GiB.
    rm -f "$new/lib/server/classes_nocoops.jsa"
  else
    say "this JDK cannot link a runtime (see .build/log/jlink-$name): using all of it"
    ln -s "$home" "$new"
  fi
  # What runs keeps the old one until the next time.
  rm -rf "$target.old"
  if [[ -e $target ]]; then mv "$target" "$target.old"; fi
  mv "$new" "$target"
  finish "$name"
}

setup_runtime() {
  runtime_outdated || return 0
  link runtime "$runtime" "$runtime_modules"
}

spark_outdated() { [[ ! -d $spark/jars ]] || outdated spark "$root/cluster-spark/spark/pom.xml"; }

spark_host_outdated() {
  [[ ! -d $spark/host ]] || outdated spark-host "$root/pom.xml" "$root/cluster-spark/pom.xml" "$root/cluster-spark/src/main"
}

spark_runtime_outdated() { [[ ! -x $spark_runtime/bin/java ]] || outdated runtime-spark "$root/scripts/setup.sh"; }

setup_spark() {
  spark_outdated || return 0
  local home
  home=$(find_jdk)
  say "fetching Spark (220 MB)"
  begin spark
  rm -rf "$spark/jars.new"
  logged spark maven "$home" -q -f cluster-spark/spark/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
    "-DoutputDirectory=$spark/jars.new"
  rm -rf "$spark/jars"
  mv "$spark/jars.new" "$spark/jars"
  finish spark
}

# What comes with the wheel maniple-cluster; Spark itself is pyspark's.
setup_hosting() {
  local home
  if spark_host_outdated; then
    home=$(find_jdk)
    say "building what runs in Spark's executors"
    begin spark-host
    logged spark-host maven "$home" -q -Dquick -pl cluster-spark package
    rm -rf "$spark/host"
    mkdir -p "$spark/host"
    cp "$root"/cluster-spark/target/quick/cluster-spark-*.jar "$spark/host/"
    finish spark-host
  fi
  if spark_runtime_outdated; then
    link runtime-spark "$spark_runtime" "$spark_modules" --exclude-files "$(printf '**/lib%s*,' ${drawing_libraries//,/ })"
  fi
}

# record NAME COMMAND: makes .build/NAME.aot, a cache of loaded and linked classes, while a command runs that starts the
# program (MANIPLE_AOT_RECORD) and ends it. The cache halves the start; without one it only takes longer.
record() {
  local name=$1 cache=$root/.build/$1.aot directory
  rm -f "$cache"
  directory=$(mktemp -d)
  say "recording the $name's start"
  (
    export MANIPLE_RUNTIME_DIR=$directory MANIPLE_JARS=$jars MANIPLE_JAVA_HOME=$runtime
    export MANIPLE_AOT_RECORD=$cache.new PYTHONPATH=$root/python-shim/src
    "${@:2}"
  ) >"$logs/aot-$name" 2>&1 </dev/null || true
  if [[ -s $cache.new ]]; then mv "$cache.new" "$cache"; fi
  rm -rf "$directory"
}

train_server() {
  # Nothing is left to NumPy: what is not run is not learned.
  MANIPLE_DEFER=2000 MANIPLE_HOST=0 "$venv/bin/python" "$root/scripts/training.py"
  local record=$MANIPLE_AOT_RECORD
  unset MANIPLE_AOT_RECORD
  "$venv/bin/python" -m maniple server stop
  for _ in $(seq 100); do
    if [[ -s $record ]] && ! pgrep -f "AOTCacheOutput=$record|$record" >/dev/null; then break; fi
    sleep 0.2
  done
  sleep 0.2
}

train_daemon() {
  timeout 120 "$venv/bin/python" "$root/scripts/training_daemon.py" "$MANIPLE_RUNTIME_DIR/trial"
}

# Chromium and its driver, for tests in a real browser: the system's packages, added where this user may.
setup_chromium() {
  if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then return; fi
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    say "installing the packages chromium and chromium-driver"
    if DEBIAN_FRONTEND=noninteractive apt-get update >"$logs/apt" 2>&1 </dev/null &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y chromium chromium-driver >>"$logs/apt" 2>&1 </dev/null; then
      return
    fi
  fi
  say "no Chromium here, so tests in a browser are skipped: apt-get install chromium chromium-driver"
}

readonly helm_version=v3.20.2

# Helm, for the chart's tests. Go keeps what it has compiled for the next working tree, so only the first one takes minutes.
setup_helm() {
  if [[ -x $tools/helm && -e $stamps/helm-$helm_version ]]; then return; fi
  say "building Helm $helm_version (two minutes the first time)"
  mkdir -p "$tools"
  logged helm env GOTOOLCHAIN=local GOFLAGS=-modcacherw CGO_ENABLED=0 GOBIN="$tools" \
    "$venv/bin/go" install -trimpath "-ldflags=-s -w" "helm.sh/helm/v3/cmd/helm@$helm_version"
  : >"$stamps/helm-$helm_version"
}

# promtool, out of the system's package, which is not installed: it would run a service.
setup_promtool() {
  local folder
  if [[ -x $tools/promtool ]] || command -v promtool >/dev/null; then return; fi
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    folder=$(mktemp -d)
    if (cd "$folder" && apt-get download prometheus && dpkg-deb -x prometheus_*.deb .) >"$logs/promtool" 2>&1 </dev/null ||
      { apt-get update >>"$logs/promtool" 2>&1 </dev/null &&
        (cd "$folder" && apt-get download prometheus && dpkg-deb -x prometheus_*.deb .) >>"$logs/promtool" 2>&1 </dev/null; }; then
      mkdir -p "$tools"
      cp "$folder/usr/bin/promtool" "$tools/"
    fi
    rm -rf "$folder"
  fi
  if [[ ! -x $tools/promtool ]]; then say "no promtool here, so the rules of deploy/prometheus are not evaluated by the tests"; fi
}

setup_systemd_analyze() {
  if command -v systemd-analyze >/dev/null; then return; fi
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    say "installing the package systemd, for systemd-analyze"
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends systemd; } \
      >"$logs/systemd" 2>&1 </dev/null; then return; fi
  fi
  say "no systemd-analyze here, so the unit of deploy/systemd is not rated by the tests: apt-get install systemd"
}

setup_deploy() {
  setup_helm
  setup_promtool
  setup_systemd_analyze
}

# setup KIND: everything for 'run', or for 'test', 'world', 'browser', 'deploy', 'dist' or 'cluster' as well.
setup() {
  local kind=$1
  if ! python_outdated run && ! bytecode_outdated && ! jars_outdated && ! runtime_outdated; then
    case $kind in
      run) return ;;
      cluster) if ! spark_outdated && ! spark_host_outdated && ! spark_runtime_outdated; then return; fi ;;
      dist) if ! python_outdated dist && ! spark_host_outdated && ! spark_runtime_outdated; then return; fi ;;
      *) if ! python_outdated "$kind"; then return; fi ;;
    esac
  fi
  mkdir -p "$stamps" "$logs"
  # One at a time; the second one finds everything done. Without flock (macOS) the user has to see to that.
  exec 9>"$root/.build/lock"
  if command -v flock >/dev/null; then flock 9; fi
  setup_python run
  setup_bytecode
  if jars_outdated || runtime_outdated; then
    setup_jars
    setup_runtime
    record server train_server
    record daemon train_daemon
  fi
  case $kind in
    run) ;;
    # A cluster on this machine, and a daemon that runs on a cluster.
    cluster)
      setup_spark
      setup_hosting
      ;;
    dist)
      setup_python dist
      setup_hosting
      ;;
    *) setup_python "$kind" ;;
  esac
  exec 9>&-
}
