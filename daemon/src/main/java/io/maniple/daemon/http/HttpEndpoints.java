package io.maniple.daemon.http;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.HttpStatus;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.config.SettingException;
import io.maniple.daemon.config.SettingValues;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.daemon.watch.MachineBandwidth;
import io.maniple.daemon.watch.Observatory;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * What operators and their tools read over HTTP: health, readiness, metrics, the dashboard and its data. Everything but
 * health, readiness and the login wants a token.
 */
public final class HttpEndpoints implements AutoCloseable {
    private static final int MOST_REQUEST_BYTES = 64 << 10;

    private final Access access;
    private final Metrics metrics;
    private final DashboardData data;
    private final BooleanSupplier ready;
    private final Function<Optional<User>, String> status;
    private final Javalin server;

    /**
     * @param tls empty: without, on loopback
     * @param ready whether it does not end
     * @param status the state as JSON: everybody's sessions, or one user's
     * @param started when the daemon did, milliseconds since 1970
     * @throws SettingException where it cannot listen
     */
    public HttpEndpoints(
            SettingValues.HostAndPort address,
            DaemonSettings settings,
            Optional<TlsContexts> tls,
            Users users,
            RemoteSessions sessions,
            Observatory observatory,
            BooleanSupplier ready,
            Function<Optional<User>, String> status,
            long started) {
        MachineBandwidth bandwidth = new MachineBandwidth(sessions.factory()::measureBandwidth);
        this.access = new Access(users, observatory, tls.isPresent());
        this.metrics = new Metrics(sessions, settings, tls, observatory, bandwidth);
        this.data = new DashboardData(access, users, sessions, observatory, bandwidth, settings, started);
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
        routes(config.routes);
    }

    private void routes(RoutesConfig routes) {
        routes.before(Pages::headers);
        routes.beforeMatched(access::check);
        routes.get("/health", context -> context.result("ok\n"));
        routes.get(
                "/ready",
                context -> context.status(ready.getAsBoolean() ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE)
                        .result(ready.getAsBoolean() ? "ready\n" : "stopping\n"));
        routes.get(
                "/metrics",
                context -> context.contentType("text/plain; version=0.0.4").result(metrics.text()));
        routes.get(
                "/status",
                context -> context.contentType("application/json")
                        .result(status.apply(Optional.of(access.user(context)).filter(found -> !found.operator()))));
        routes.get(Pages.LOGIN, context -> Pages.login(context, ""));
        routes.post(Pages.LOGIN, access::login);
        routes.post("/logout", access::logout);
        routes.get(Pages.DASHBOARD, Pages::dashboard);
        routes.get(Pages.SCRIPT, Pages::script);
        routes.get(Pages.STYLE, Pages::style);
        routes.get("/api/overview", data::overview);
        routes.get("/api/sessions", data::sessions);
        routes.get("/api/sessions/{id}/timeline", data::sessionTimeline);
        routes.post("/api/sessions/{id}/close", data::closeSession);
        routes.get("/api/users", data::users);
        routes.get("/api/throughput", data::throughput);
        routes.get("/api/timeline", data::timeline);
        routes.get("/api/errors", data::errors);
        routes.get("/api/fallbacks", data::fallbacks);
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

    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.stop();
    }
}
