#!/usr/bin/env bash
# What the images run: 'maniple server' with the arguments given, or an executor of Spark's, where Kubernetes asks for one.
set -euo pipefail

if [[ ${1:-} != executor ]]; then exec maniple server "$@"; fi

# As Spark's own images do: their entrypoint gets all of this from Spark's driver.
where=$(maniple cluster where)
export SPARK_HOME=${where%%$'\n'*}
java=${where##*$'\n'}
options=()
while IFS= read -r name; do options+=("${!name}"); done < <(compgen -e SPARK_JAVA_OPT_ | sort -t_ -k4 -n)
class_path=${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}$SPARK_HOME/jars/*
if [[ -n ${SPARK_CONF_DIR:-} ]]; then class_path=$SPARK_CONF_DIR:$class_path; fi
exec "$java" ${options[@]+"${options[@]}"} "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$class_path" \
  org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url "$SPARK_DRIVER_URL" \
  --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" --app-id "$SPARK_APPLICATION_ID" \
  --hostname "$SPARK_EXECUTOR_POD_IP" --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
