package io.maniple.daemon.http;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.javalin.http.UnauthorizedResponse;
import io.maniple.daemon.config.SettingException;
import io.maniple.daemon.config.SettingValues;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSessions;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * What operators and their tools read over HTTP. Everything but health and readiness wants the token, as {@code
 * Authorization: Bearer …}.
 */
public final class HttpEndpoints implements AutoCloseable {
    private static final Set<String> OPEN = Set.of("/health", "/ready");
    private static final int MOST_REQUEST_BYTES = 64 << 10;

    private final Users users;
    private final Metrics metrics;
    private final BooleanSupplier ready;
    private final Function<Optional<User>, String> status;
    private final Javalin server;

    /**
     * @param tls empty: without, on loopback
     * @param status the state as JSON: everybody's sessions, or one user's
     * @throws SettingException where it cannot listen
     */
    public HttpEndpoints(
            SettingValues.HostAndPort address,
            Optional<TlsContexts> tls,
            Users users,
            RemoteSessions sessions,
            BooleanSupplier ready,
            Function<Optional<User>, String> status) {
        this.users = users;
        this.metrics = new Metrics(sessions);
        this.ready = ready;
        this.status = status;
        this.server = Javalin.create(config -> configure(config, address, tls));
        try {
            server.start();
        } catch (RuntimeException e) {
            throw new SettingException(
                    "--http cannot listen on " + address.host() + ":" + address.port() + ": " + e.getMessage());
        }
    }

    private void configure(JavalinConfig config, SettingValues.HostAndPort address, Optional<TlsContexts> tls) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.http.maxRequestSize = MOST_REQUEST_BYTES;
        config.jetty.addConnector((jetty, plain) -> {
            ServerConnector connector = tls.map(contexts -> secure(jetty, contexts, plain))
                    .orElseGet(() -> new ServerConnector(jetty, new HttpConnectionFactory(plain)));
            plain.setSendServerVersion(false);
            connector.setHost(address.host());
            connector.setPort(address.port());
            return connector;
        });
        config.routes.beforeMatched(this::authenticate);
        config.routes.get("/health", context -> context.result("ok\n"));
        config.routes.get(
                "/ready",
                context -> context.status(ready.getAsBoolean() ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE)
                        .result(ready.getAsBoolean() ? "ready\n" : "stopping\n"));
        config.routes.get(
                "/metrics",
                context -> context.contentType("text/plain; version=0.0.4").result(metrics.text()));
        config.routes.get(
                "/status",
                context -> context.contentType("application/json")
                        .result(status.apply(user(context).filter(found -> !found.operator()))));
    }

    private static ServerConnector secure(
            org.eclipse.jetty.server.Server jetty, TlsContexts contexts, HttpConfiguration plain) {
        SslContextFactory.Server factory = new SslContextFactory.Server();
        factory.setSslContext(contexts.forHttp());
        HttpConfiguration secure = new HttpConfiguration(plain);
        secure.setSendServerVersion(false);
        // Names are checked by the client; the server answers to addresses, too.
        secure.addCustomizer(new SecureRequestCustomizer(false));
        return new ServerConnector(jetty, factory, new HttpConnectionFactory(secure));
    }

    private Optional<User> user(Context context) {
        return users.ofHeader(context.header("Authorization"));
    }

    private void authenticate(Context context) {
        if (!OPEN.contains(context.path()) && user(context).isEmpty()) {
            context.header("WWW-Authenticate", "Bearer");
            throw new UnauthorizedResponse("a token is needed");
        }
    }

    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.stop();
    }
}
