package io.maniple.daemon.http;

import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.daemon.watch.MachineBandwidth;
import io.maniple.daemon.watch.Observatory;
import io.maniple.daemon.watch.RecentErrors;
import io.maniple.daemon.watch.RecentWork;
import io.maniple.daemon.watch.Throughput;
import io.maniple.server.Version;
import io.maniple.server.json.Json;
import io.maniple.server.session.DeviceStatus;
import io.maniple.server.trace.BatchTrace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What the dashboard shows, as JSON: all of it for operators, of their own sessions for others. docs/daemon.md lists the
 * fields.
 */
final class DashboardData {
    private static final int BUFFERS = 20;
    private static final int MOST_ROWS = 500;
    private static final int MOST_STEPS = 5_000;

    private final Access access;
    private final Users users;
    private final RemoteSessions sessions;
    private final Observatory observatory;
    private final MachineBandwidth bandwidth;
    private final DaemonSettings settings;
    private final long started;

    /** @param started when the daemon did, milliseconds since 1970 */
    DashboardData(
            Access access,
            Users users,
            RemoteSessions sessions,
            Observatory observatory,
            MachineBandwidth bandwidth,
            DaemonSettings settings,
            long started) {
        this.access = access;
        this.users = users;
        this.sessions = sessions;
        this.observatory = observatory;
        this.bandwidth = bandwidth;
        this.settings = settings;
        this.started = started;
    }

    private static void answer(Context context, Json json) {
        context.contentType("application/json; charset=utf-8").result(json.toString());
    }

    /** Whose sessions somebody sees; empty: everybody's. */
    private static Optional<String> only(User user) {
        return user.operator() ? Optional.empty() : Optional.of(user.name());
    }

    private List<RemoteSession> visible(User user) {
        return sessions.all().stream()
                .filter(session -> isVisible(user, session))
                .sorted(Comparator.comparingLong(RemoteSession::opened).thenComparing(RemoteSession::shortId))
                .toList();
    }

    private static boolean isVisible(User user, RemoteSession session) {
        return user.operator() || session.user().name().equals(user.name());
    }

    private static int number(Context context, String name, int fallback, int most) {
        String given = context.queryParam(name);
        try {
            return given == null ? fallback : Math.clamp(Integer.parseInt(given), 1, most);
        } catch (NumberFormatException e) {
            throw new BadRequestResponse(name + " is a number from 1 to " + most);
        }
    }

    void overview(Context context) {
        User user = access.user(context);
        List<RemoteSession> seen = visible(user);
        Json json = new Json()
                .field("version", Version.current())
                .field("time", System.currentTimeMillis())
                .field("uptime_seconds", (System.currentTimeMillis() - started) / 1000)
                .field("user", user.name())
                .field("operator", user.operator())
                .field("engine", settings.engine().engine())
                .field("threads", settings.engine().threads())
                .field("sessions", seen.size())
                .field(
                        "sessions_connected",
                        seen.stream().filter(RemoteSession::isAttached).count())
                .field(
                        "batches_pending",
                        seen.stream().mapToLong(RemoteSession::pending).sum())
                .field(
                        "memory_used",
                        user.operator()
                                ? sessions.factory().memoryBytes()
                                : seen.stream()
                                        .mapToLong(RemoteSession::memoryBytes)
                                        .sum())
                .field("memory_limit", memoryLimit(user))
                .field(
                        "spilled",
                        user.operator()
                                ? sessions.factory().spilledBytes()
                                : seen.stream()
                                        .mapToLong(RemoteSession::spilledBytes)
                                        .sum())
                .field("sessions_limit", sessionsLimit(user));
        if (user.operator()) {
            json.field("sessions_opened", sessions.openedTotal())
                    .field("sessions_refused", sessions.refusedTotal())
                    .field("batches", observatory.batches())
                    .field("plans", observatory.plans())
                    .field("kernels", observatory.kernels())
                    .field("bytes", observatory.bytes())
                    .field("busy_seconds", observatory.nanoseconds() / 1e9)
                    .field("errors", observatory.errors().total())
                    .field("logins_refused", observatory.refusedLogins());
            DeviceStatus gpu = sessions.factory().device();
            json.field("gpu", gpu.name())
                    .field("gpu_memory_used", gpu.usedBytes())
                    .field("gpu_memory_limit", gpu.limitBytes())
                    .field("gpu_launches", gpu.launches())
                    .field("gpu_uploaded", gpu.bytesToDevice())
                    .field("gpu_downloaded", gpu.bytesToHost())
                    .field("gpu_evictions", gpu.evictions());
        }
        answer(context, json);
    }

    private long sessionsLimit(User user) {
        return user.operator() ? settings.sessions() : Math.min(settings.sessions(), sessionsOf(user));
    }

    /** What is shown beside the memory in use: of all sessions, or of the user's own. */
    private long memoryLimit(User user) {
        long all = settings.engine().memoryBytes();
        return user.operator() ? all : Math.min(all, user.quotas().memoryBytes().orElse(all));
    }

    private long queuedOf(User user) {
        return user.quotas().queued().isPresent()
                ? user.quotas().queued().getAsInt()
                : (long) settings.queued() * sessionsOf(user);
    }

    private int sessionsOf(User user) {
        return user.quotas().sessions().orElse(settings.sessions());
    }

    void sessions(Context context) {
        User user = access.user(context);
        answer(
                context,
                new Json()
                        .list(
                                "sessions",
                                visible(user),
                                (session, json) -> json.field("id", session.shortId())
                                        .field("user", session.user().name())
                                        .field("client", session.client())
                                        .field("connected", session.isAttached())
                                        .field("opened", session.opened())
                                        .field("idle_seconds", session.idleNanoseconds() / 1_000_000_000L)
                                        .field("batches_pending", session.pending())
                                        .field("calls", session.received())
                                        .field("memory_bytes", session.memoryBytes())
                                        .field("memory_limit", session.quota())
                                        .field("spilled_bytes", session.spilledBytes())
                                        .list(
                                                "buffers",
                                                session.largestBuffers(BUFFERS),
                                                (buffer, item) -> item.field("handle", buffer.handle())
                                                        .field("bytes", buffer.bytes())
                                                        .field("content", buffer.content())
                                                        .field("source", buffer.source()))));
    }

    void users(Context context) {
        User asking = access.user(context);
        List<RemoteSession> all = sessions.all();
        List<User> shown = asking.operator() ? users.all() : List.of(asking);
        answer(context, new Json().list("users", shown, (user, json) -> {
                    List<RemoteSession> own = all.stream()
                            .filter(session -> session.user().name().equals(user.name()))
                            .toList();
                    json.field("name", user.name())
                            .field("role", user.operator() ? "operator" : "user")
                            .field("sessions", own.size())
                            .field("sessions_limit", sessionsOf(user))
                            .field(
                                    "memory_bytes",
                                    own.stream()
                                            .mapToLong(RemoteSession::memoryBytes)
                                            .sum())
                            .field(
                                    "memory_limit",
                                    user.quotas()
                                            .memoryBytes()
                                            .orElse(settings.engine().memoryBytes()))
                            .field("session_memory_limit", sessions.sessionMemoryBytes(user))
                            .field(
                                    "batches_pending",
                                    own.stream()
                                            .mapToLong(RemoteSession::pending)
                                            .sum())
                            .field("queued_limit", queuedOf(user))
                            .field(
                                    "idle_limit_seconds",
                                    user.quotas().idle().orElse(settings.idle()).toSeconds());
                }));
    }

    void throughput(Context context) {
        User user = access.user(context);
        Throughput throughput = only(user).map(observatory::throughput).orElseGet(observatory::throughput);
        int seconds = number(context, "seconds", 120, Throughput.SECONDS - 1);
        Throughput.Series series = throughput.last(seconds, BatchTrace.now());
        answer(
                context,
                new Json()
                        .field("machine_bytes_per_second", bandwidth.bytesPerSecond())
                        .field("first_second", series.first())
                        .numbers("bytes_per_second", series.bytes())
                        .numbers("busy", series.busy()));
    }

    /** One step of a batch on the timeline. */
    private record Shown(RecentWork.Work work, BatchTrace.StepTrace step) {
        double begin() {
            return (work.batch().epochNanoseconds() + step.begin()) / 1e6;
        }
    }

    void timeline(Context context) {
        User user = access.user(context);
        Optional<String> only = only(user);
        int seconds = number(context, "seconds", 60, 3_600);
        int most = number(context, "most", 1_000, MOST_STEPS);
        Predicate<RecentWork.Work> wanted =
                work -> only.isEmpty() || work.user().equals(only.get());
        List<RecentWork.Work> found =
                observatory.work().since(BatchTrace.now() - seconds * 1_000_000_000L, most, wanted);
        List<Shown> steps = new ArrayList<>();
        found.forEach(work -> work.batch().steps().forEach(step -> steps.add(new Shown(work, step))));
        steps.sort(Comparator.comparingDouble(Shown::begin).reversed());
        answer(
                context,
                new Json()
                        .field("time", System.currentTimeMillis())
                        .field("seconds", seconds)
                        .list(
                                "batches",
                                found,
                                (work, json) -> json.field("session", work.session())
                                        .field("user", work.user())
                                        .field("number", work.batch().number())
                                        .field("begin", work.batch().epochNanoseconds() / 1e6)
                                        .field("milliseconds", work.batch().nanoseconds() / 1e6)
                                        .field("plan_milliseconds", work.batch().planNanoseconds() / 1e6)
                                        .field("planned", work.batch().planned())
                                        .field("instructions", work.batch().instructions())
                                        .field(
                                                "steps",
                                                work.batch().steps().size()
                                                        + work.batch().stepsLeftOut())
                                        .field("failure", work.batch().failure()))
                        .list(
                                "steps",
                                steps.subList(0, Math.min(most, steps.size())),
                                (shown, json) -> json.field(
                                                "session", shown.work().session())
                                        .field("user", shown.work().user())
                                        .field("batch", shown.work().batch().number())
                                        .field(
                                                "kind",
                                                shown.step().summary().kind().text())
                                        .field("name", shown.step().summary().name())
                                        .field("source", shown.step().sources().getFirst())
                                        .field("begin", shown.begin())
                                        .field("milliseconds", shown.step().nanoseconds() / 1e6)
                                        .field(
                                                "elements",
                                                shown.step().summary().elements())
                                        .field("bytes", shown.step().summary().bytes())
                                        .field("failed", shown.step().failed())));
    }

    void errors(Context context) {
        User user = access.user(context);
        int most = number(context, "most", 100, MOST_ROWS);
        List<RecentErrors.Entry> shown = observatory
                .errors()
                .last(most, entry -> user.operator() || entry.user().equals(user.name()));
        answer(
                context,
                new Json()
                        .list(
                                "errors",
                                shown,
                                (error, json) -> json.field("time", error.time())
                                        .field("session", error.session())
                                        .field("user", error.user())
                                        .field("status", error.status())
                                        .field("message", error.message())
                                        .field("source", error.source())));
    }

    void fallbacks(Context context) {
        User user = access.user(context);
        int most = number(context, "most", 100, MOST_ROWS);
        answer(
                context,
                new Json()
                        .list(
                                "fallbacks",
                                observatory.fallbacks().rows(only(user), most),
                                (row, json) -> json.field("function", row.function())
                                        .field("reason", row.reason())
                                        .field("source", row.source())
                                        .field("calls", row.calls())
                                        .field("elements", row.elements())
                                        .field("seconds", row.nanoseconds() / 1e9)));
    }

    /** By the short name; those of others are not there for a user. */
    private RemoteSession session(Context context, User user) {
        String id = context.pathParam("id");
        return sessions.all().stream()
                .filter(session -> isVisible(user, session) && session.shortId().equals(id))
                .findFirst()
                .orElseThrow(() -> new NotFoundResponse("there is no such session"));
    }

    void sessionTimeline(Context context) {
        RemoteSession session = session(context, access.user(context));
        context.contentType("application/json; charset=utf-8")
                .header("Content-Disposition", "attachment; filename=\"maniple-" + session.shortId() + ".trace.json\"")
                .result(session.timelineFile());
    }

    void closeSession(Context context) {
        User user = access.user(context);
        sessions.close(session(context, user), "closed by " + user.name());
        context.status(HttpStatus.NO_CONTENT);
    }
}
