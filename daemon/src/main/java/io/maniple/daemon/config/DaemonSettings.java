package io.maniple.daemon.config;

import io.maniple.server.session.ServerSettings;
import io.maniple.server.session.SessionWorker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The daemon's settings, checked: together they are safe to run with.
 *
 * @param bulk where large arrays go
 * @param sessionMemoryBytes most memory of one session, unless its user has a quota
 * @param queued most batches of a session that wait
 * @param reconnect so long a session waits for its client to come back
 * @param data directories whose files clients may open
 * @param journals where sessions are written down, so that they outlive this daemon; empty: they do not
 * @param cluster where sessions run; empty: here
 * @param jsonLog whether the log's lines are JSON objects
 * @param tracing where spans are sent; empty: nowhere
 */
public record DaemonSettings(
        SettingValues.HostAndPort listen,
        Bulk bulk,
        Optional<Tls> tls,
        Optional<Path> tokenFile,
        Optional<Path> usersFile,
        ServerSettings engine,
        long sessionMemoryBytes,
        int sessions,
        int queued,
        Duration idle,
        Duration reconnect,
        List<Path> data,
        Optional<Path> log,
        boolean jsonLog,
        Optional<SettingValues.HostAndPort> http,
        Optional<TracingSettings> tracing,
        Optional<Path> journals,
        Optional<ClusterChoice> cluster) {

    private static final String HELP =
            "'maniple server init DIR' makes a certificate, a token and a configuration to try"
                    + " it out with ('maniple server --config DIR')";
    private static final Set<PosixFilePermission> FOR_OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    /** @param clientCa whose certificates clients must have; empty: they need none */
    public record Tls(Path certificate, Path key, Optional<Path> clientCa) {}

    /**
     * Where large arrays go, beside Flight.
     *
     * @param on else they go through Flight
     * @param port empty: the one after Flight's, or any
     * @param compression whether contents may travel compressed
     */
    public record Bulk(boolean on, OptionalInt port, boolean compression) {
        static Bulk of(SettingValues values) {
            String text = values.text(Setting.BULK);
            boolean compression =
                    values.choice(Setting.COMPRESSION, List.of("off", "on")).equals("on");
            if (text.isEmpty() || text.equals("off")) {
                return new Bulk(text.isEmpty(), OptionalInt.empty(), compression);
            }
            try {
                int port = Integer.parseInt(text);
                if (port >= 0 && port <= 0xffff) {
                    return new Bulk(true, OptionalInt.of(port), compression);
                }
            } catch (NumberFormatException e) {
                // Said below.
            }
            throw new SettingException("--bulk is a port, or off, not '" + text + "'");
        }
    }

    /** @throws SettingException what is wrong, and what to do */
    public static DaemonSettings of(SettingValues values) {
        long memory = values.bytes(Setting.MEMORY, ServerSettings.defaultMemoryBytes());
        Optional<Path> blas = values.path(Setting.BLAS);
        ServerSettings engine;
        try {
            engine = new ServerSettings(
                    memory,
                    values.number(Setting.THREADS, Runtime.getRuntime().availableProcessors()),
                    blas,
                    values.text(Setting.ENGINE),
                    ServerSettings.spilling(
                            values.text(Setting.SPILL), values.path(Setting.SPILL_DIR), values.text(Setting.SPILL_AT)));
        } catch (IllegalArgumentException e) {
            throw new SettingException(String.valueOf(e.getMessage()));
        }
        DaemonSettings settings = new DaemonSettings(
                values.address(Setting.LISTEN).orElseThrow(() -> new SettingException("--listen needs HOST:PORT")),
                Bulk.of(values),
                tls(values),
                values.path(Setting.TOKEN_FILE),
                values.path(Setting.USERS),
                engine,
                Math.min(memory, values.bytes(Setting.SESSION_MEMORY, memory / 4)),
                values.number(Setting.SESSIONS, 64),
                values.number(Setting.QUEUED, SessionWorker.QUEUED_BATCHES),
                values.time(Setting.IDLE),
                values.time(Setting.RECONNECT),
                directories(values),
                values.path(Setting.LOG),
                values.choice(Setting.LOG_FORMAT, List.of("plain", "json")).equals("json"),
                values.address(Setting.HTTP),
                TracingSettings.of(values),
                journals(values),
                ClusterChoice.of(values, memory));
        settings.check();
        return settings;
    }

    private static Optional<Tls> tls(SettingValues values) {
        Optional<Path> certificate = values.path(Setting.TLS_CERT);
        Optional<Path> key = values.path(Setting.TLS_KEY);
        Optional<Path> clientCa = values.path(Setting.TLS_CLIENT_CA);
        if (certificate.isPresent() != key.isPresent()) {
            throw new SettingException("--tls-cert and --tls-key belong together");
        }
        if (certificate.isEmpty() && clientCa.isPresent()) {
            throw new SettingException("--tls-client-ca needs --tls-cert and --tls-key");
        }
        certificate.ifPresent(DaemonSettings::readable);
        key.ifPresent(DaemonSettings::readable);
        clientCa.ifPresent(DaemonSettings::readable);
        return certificate.map(file -> new Tls(file, key.orElseThrow(), clientCa));
    }

    private static Optional<Path> journals(SettingValues values) {
        Optional<Path> directory = values.path(Setting.CHECKPOINT_DIR);
        if (directory.isPresent() && (!Files.isDirectory(directory.get()) || !Files.isWritable(directory.get()))) {
            throw new SettingException(
                    "--checkpoint-dir: " + directory.get() + " is no directory that can be written to");
        }
        return directory.map(parent -> parent.resolve("sessions"));
    }

    private static List<Path> directories(SettingValues values) {
        String text = values.text(Setting.DATA);
        if (text.isEmpty()) {
            return List.of();
        }
        return Arrays.stream(text.split(":"))
                .map(part -> {
                    try {
                        return Path.of(part).toRealPath();
                    } catch (IOException e) {
                        throw new SettingException("--data: there is no directory " + part);
                    }
                })
                .toList();
    }

    private void check() {
        if (tokenFile.isPresent() == usersFile.isPresent()) {
            throw new SettingException(
                    tokenFile.isPresent()
                            ? "--token-file and --users exclude each other"
                            : "clients need a token: give --token-file or --users; " + HELP);
        }
        tokenFile.ifPresent(DaemonSettings::secret);
        usersFile.ifPresent(DaemonSettings::readable);
        if (tls.isEmpty() && !isLoopback(listen.host())) {
            throw new SettingException("listening on " + listen.host()
                    + " without TLS would show everything to the network: give --tls-cert and --tls-key, or listen on"
                    + " 127.0.0.1; " + HELP);
        }
        http.ifPresent(this::checkHttp);
    }

    private void checkHttp(SettingValues.HostAndPort address) {
        if (tls.isEmpty() && !isLoopback(address.host())) {
            throw new SettingException("--http on " + address.host() + " needs --tls-cert and --tls-key");
        }
        int afterThis = listen.port() == 0 ? 0 : listen.port() + 1;
        int taken = bulk.port().orElse(afterThis);
        if (bulk.on() && taken != 0 && address.port() == taken) {
            throw new SettingException("--http: large arrays go through port " + taken
                    + (bulk.port().isPresent() ? "" : ", the one after that of --listen")
                    + ": give --http another one, or large arrays by --bulk");
        }
    }

    public static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw new SettingException("the host '" + host + "' to listen on is unknown");
        }
    }

    static void readable(Path file) {
        if (!Files.isReadable(file)) {
            throw new SettingException(
                    Files.exists(file) ? "no permission to read " + file : "there is no file " + file);
        }
    }

    static void secret(Path file) {
        readable(file);
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            if (permissions.stream().anyMatch(FOR_OTHERS::contains)) {
                throw new SettingException(file + " can be read by others: chmod 600 " + file);
            }
        } catch (UnsupportedOperationException e) {
            // A file system without such rights.
        } catch (IOException e) {
            throw new SettingException("cannot read " + file + ": " + e.getMessage());
        }
    }
}
