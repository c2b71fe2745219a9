package io.maniple.daemon.config;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What can be set, on the command line ({@code --tls-cert}) and in the configuration file ({@code tls_cert}); one row
 * adds one.
 */
public enum Setting {
    LISTEN("HOST:PORT", "127.0.0.1:8815", "where clients connect (Arrow Flight); beyond loopback TLS is required"),
    BULK(
            "PORT",
            "",
            "port for large arrays, on the host of --listen (default: the one after that of --listen; off: none)"),
    COMPRESSION("NAME", "off", "on: large arrays travel compressed for clients that ask for it (MANIPLE_COMPRESSION)"),
    TLS_CERT("FILE", "", "certificate chain, PEM; read again when it changes"),
    TLS_KEY("FILE", "", "the certificate's private key, PEM (PKCS #8)"),
    TLS_CLIENT_CA("FILE", "", "clients must have a certificate of one of these authorities, PEM"),
    TOKEN_FILE("FILE", "", "one token for everybody, in a file of mode 0600"),
    USERS("FILE", "", "users with hashed tokens, roles and quotas; read again when it changes"),
    MEMORY("SIZE", "", "memory for arrays, such as 512m or 8g (default: 75 % of the machine's)"),
    SESSION_MEMORY("SIZE", "", "most memory of one session, but for users with a quota (default: a quarter of all)"),
    SPILL(
            "SIZE",
            "auto",
            "disk for arrays that memory has no room for; off, or auto: eight times the memory, at most half of what is free"),
    SPILL_DIR("DIRECTORY", "", "where that is, on every machine that computes (default: /var/tmp)"),
    SPILL_AT(
            "P,P,P",
            "60,80,90",
            "percents of the memory: new arrays go to disk, computing waits, what cannot go to disk is refused"),
    SESSIONS("N", "64", "most sessions at a time"),
    QUEUED("N", "64", "most batches of a session that wait for their turn; its client waits when there are so many"),
    THREADS("N", "", "threads that compute (default: all processors)"),
    ENGINE("NAME", "auto", "auto, avx2 or portable"),
    BLAS("FILE", "", "the OpenBLAS library to use"),
    IDLE("TIME", "30m", "a session that does nothing for so long is closed"),
    RECONNECT("TIME", "25s", "so long a session waits for its client to come back after a broken connection"),
    DATA("DIRECTORY", "", "files below it can be opened by maniple.load; several are separated by ':'"),
    LOG("FILE", "", "the log, rotated at 10 MB (default: standard error)"),
    MASTER(
            "URL",
            "",
            "run everything on a cluster: spark://HOST:PORT, yarn or k8s://…, or local[N] for N workers on this machine"),
    WORKERS("N", "", "workers of the cluster, each in a slot of its own"),
    WORKER_THREADS("N", "", "threads of each worker (default: its processors; on this machine their share)"),
    WORKER_MEMORY(
            "SIZE", "", "memory for arrays of each worker (default: 75 % of its machine; on this one their share)"),
    MAPPING(
            "NAME",
            "even",
            "how arrays and work are cut among workers: even, weighted:2,1 (worker 0 twice worker 1's), or one of --mapping-jar"),
    MAPPING_JAR("FILE", "", "a jar with mapping policies of your own, on every machine"),
    CLUSTER_LISTEN(
            "HOST", "", "the address under which workers reach this server (default: 127.0.0.1 where all are here)"),
    CLUSTER_SECRET_FILE("FILE", "", "Spark's secret (spark.authenticate), in a file of mode 0600"),
    SPARK_SETTINGS("FILE", "", "Spark's own settings, in a file like spark-defaults.conf; they go before Maniple's"),
    CHECKPOINT_DIR(
            "DIRECTORY",
            "",
            "sessions are written down there and outlive the daemon; on a cluster, where all workers see it, what a lost"
                    + " worker had is taken up from there"),
    CHECKPOINT_INTERVAL("TIME", "60s", "about so much work may have to be done again when a worker is lost"),
    LOG_FORMAT("NAME", "plain", "plain, or json: an object a line with time, level, session, user, event, message"),
    HTTP("HOST:PORT", "", "dashboard, metrics, health and readiness over HTTP, with TLS as above (default: off)"),
    OTLP_ENDPOINT(
            "URL", "", "where spans are sent to, OTLP over HTTP, such as http://localhost:4318 (default: nowhere)"),
    OTLP_SAMPLING("RATIO", "1", "of how many sessions spans are sent, 0 to 1; a program's own trace goes before it"),
    OTLP_HEADERS("FILE", "", "headers for the collector, 'Name: value' a line, in a file of mode 0600"),
    OTLP_CA("FILE", "", "whose certificate the collector has, PEM (default: the system's authorities)");

    private final String operand;
    private final String fallback;
    private final String help;

    Setting(String operand, String fallback, String help) {
        this.operand = operand;
        this.fallback = fallback;
        this.help = help;
    }

    public String operand() {
        return operand;
    }

    /** The value where none is given; empty: said in the help. */
    public String fallback() {
        return fallback;
    }

    public String help() {
        return fallback.isEmpty() ? help : help + " (default: " + fallback + ")";
    }

    public String option() {
        return "--" + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static final Map<String, Setting> BY_KEY =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(Setting::key, Function.identity()));

    static Optional<Setting> ofKey(String key) {
        return Optional.ofNullable(BY_KEY.get(key));
    }
}
