package io.maniple.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.javalin.Javalin;
import io.javalin.http.HandlerType;
import io.javalin.router.ParsedEndpoint;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.config.Setting;
import io.maniple.daemon.config.SettingValues;
import io.maniple.daemon.flight.FlightDaemon;
import io.maniple.daemon.http.HttpEndpoints;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.daemon.watch.Observatory;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.session.LocalSessionFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.flight.FlightServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every route there is, as the servers themselves know them: nothing behind one runs for a stranger. */
class TestRoutes {
    /** The long form: -Dmaniple.tokens=100000. */
    private static final int TOKENS = Integer.getInteger("maniple.tokens", 300);

    /** Some calls with the token and no sense wait for more. */
    private static final int SECONDS = 2;

    /** What anybody may see. */
    private static final Set<String> OPEN = Set.of("GET /health", "GET /ready", "GET /login", "POST /login");

    private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    };

    @TempDir
    private Path directory;

    private final AtomicInteger statusAsked = new AtomicInteger();
    private final String token = Users.newToken();
    private final Observatory observatory = new Observatory();
    private RemoteSessions sessions;
    private FlightDaemon flight;
    private HttpEndpoints http;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws IOException {
        Path file = directory.resolve("token");
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, token);
        DaemonSettings settings = DaemonSettings.of(new SettingValues(
                Map.of(
                        Setting.LISTEN, "127.0.0.1:0",
                        Setting.HTTP, "127.0.0.1:0",
                        Setting.TOKEN_FILE, file.toString(),
                        Setting.MEMORY, "64m",
                        Setting.ENGINE, "portable"),
                Optional.empty()));
        Users users = Users.ofToken(file);
        sessions = new RemoteSessions(
                new LocalSessionFactory(settings.engine()),
                settings,
                SessionObserver.all(List.of(observatory)),
                observatory);
        flight = new FlightDaemon(settings, 0, Optional.empty(), users, sessions, "test", user -> {
            statusAsked.incrementAndGet();
            return "{}";
        });
        http = new HttpEndpoints(
                settings.http().orElseThrow(),
                settings,
                Optional.empty(),
                users,
                sessions,
                observatory,
                () -> true,
                user -> {
                    statusAsked.incrementAndGet();
                    return "{}";
                },
                0);
        channel = NettyChannelBuilder.forAddress("127.0.0.1", flight.port())
                .usePlaintext()
                .build();
    }

    @AfterEach
    void stop() throws InterruptedException {
        channel.shutdownNow();
        http.close();
        flight.close();
    }

    private static Object field(Object object, Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(object);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The methods that the gRPC server has, of whatever services. */
    private List<MethodDescriptor<?, ?>> methods() {
        Object own = field(flight, FlightDaemon.class, "server");
        Server server = (Server) field(own, FlightServer.class, "server");
        List<MethodDescriptor<?, ?>> methods = new ArrayList<>();
        for (ServerServiceDefinition service : server.getServices()) {
            for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
                methods.add(method.getMethodDescriptor());
            }
        }
        return methods;
    }

    private Status call(MethodDescriptor<?, ?> method, String header, byte[] message) throws Exception {
        MethodDescriptor<byte[], byte[]> raw = MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES)
                .setFullMethodName(method.getFullMethodName())
                .setType(method.getType())
                .build();
        Metadata headers = new Metadata();
        if (header != null) {
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), header);
        }
        CompletableFuture<Status> ended = new CompletableFuture<>();
        List<byte[]> answers = new ArrayList<>();
        ClientCall<byte[], byte[]> call =
                channel.newCall(raw, CallOptions.DEFAULT.withDeadlineAfter(SECONDS, TimeUnit.SECONDS));
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(byte[] answer) {
                        answers.add(answer);
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        ended.complete(status);
                    }
                },
                headers);
        call.request(100);
        call.sendMessage(message);
        call.halfClose();
        Status status = ended.get(30, TimeUnit.SECONDS);
        if (status.getCode() == Status.Code.UNAUTHENTICATED) {
            assertThat(answers).as(method.getFullMethodName()).isEmpty();
        }
        return status;
    }

    private List<String> strangers() {
        List<String> headers = new ArrayList<>();
        headers.add(null);
        for (String text : List.of("", "Bearer", "Bearer ", "bearer null", token, "Basic " + token, "Token " + token)) {
            headers.add(text);
        }
        headers.add("Basic "
                + Base64.getEncoder()
                        .encodeToString(("default:" + token).getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        for (String wrong : List.of(
                token.substring(1),
                token + "0",
                token.toUpperCase(java.util.Locale.ROOT) + "x",
                "f".repeat(64),
                token + " " + token,
                token + ", Bearer " + token)) {
            headers.add("Bearer " + wrong);
        }
        return headers;
    }

    @Test
    void noMethodRunsForAStranger() throws Exception {
        List<MethodDescriptor<?, ?>> methods = methods();
        // Of Flight's service, and of none beside it.
        assertThat(methods)
                .hasSizeGreaterThanOrEqualTo(9)
                .allMatch(method -> "arrow.flight.protocol.FlightService".equals(method.getServiceName()));
        Random random = new Random(7);
        for (MethodDescriptor<?, ?> method : methods) {
            for (String header : strangers()) {
                byte[] message = new byte[random.nextInt(40)];
                random.nextBytes(message);
                assertThat(call(method, header, message).getCode())
                        .as(method.getFullMethodName() + " with " + header)
                        .isEqualTo(Status.Code.UNAUTHENTICATED);
            }
        }
        assertThat(statusAsked).hasValue(0);
        assertThat(sessions.openedTotal()).isZero();
        // The same calls with the token get further.
        for (MethodDescriptor<?, ?> method : methods) {
            assertThat(call(method, "Bearer " + token, new byte[0]).getCode())
                    .as(method.getFullMethodName())
                    .isNotEqualTo(Status.Code.UNAUTHENTICATED);
        }
        // DoAction of "status": field 1 of the message is the action's type.
        MethodDescriptor<?, ?> act = methods.stream()
                .filter(method -> "DoAction".equals(method.getBareMethodName()))
                .findFirst()
                .orElseThrow();
        byte[] body = new byte[] {10, 6, 's', 't', 'a', 't', 'u', 's'};
        assertThat(call(act, "Bearer " + "0".repeat(64), body).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
        assertThat(statusAsked).hasValue(0);
        assertThat(call(act, "Bearer " + token, body).getCode()).isEqualTo(Status.Code.OK);
        assertThat(statusAsked).hasValue(1);
    }

    private static String changed(String token, Random random) {
        StringBuilder text = new StringBuilder(token);
        int place = random.nextInt(text.length());
        char digit = "0123456789abcdef".charAt(random.nextInt(16));
        text.setCharAt(place, digit == text.charAt(place) ? 'g' : digit);
        return text.toString();
    }

    @Test
    void noTokenNearTheRightOneIsTaken() throws Exception {
        Random random = new Random(13);
        List<MethodDescriptor<?, ?>> methods = methods();
        HttpClient client = HttpClient.newHttpClient();
        for (int turn = 0; turn < TOKENS; turn++) {
            String wrong = "Bearer " + changed(token, random);
            MethodDescriptor<?, ?> method = methods.get(turn % methods.size());
            Status.Code code = call(method, wrong, new byte[0]).getCode();
            for (int again = 0; code == Status.Code.RESOURCE_EXHAUSTED && again < 5; again++) {
                // So many calls were reset that the server has ended the connection; the next call makes another.
                code = call(method, wrong, new byte[0]).getCode();
            }
            assertThat(code).isEqualTo(Status.Code.UNAUTHENTICATED);
            assertThat(ask(client, "GET", "/status", wrong)).isEqualTo(401);
        }
        assertThat(statusAsked).hasValue(0);
    }

    private int ask(HttpClient client, String method, String path, String header) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path))
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (header != null) {
            request.header("Authorization", header);
        }
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 401 && !path.equals("/login")) {
            assertThat(response.body()).as(path).doesNotContain("{", "maniple_");
        }
        return response.statusCode();
    }

    @Test
    void noPathAnswersAStranger() throws Exception {
        Javalin server = (Javalin) field(http, HttpEndpoints.class, "server");
        List<String> routes = new ArrayList<>();
        for (ParsedEndpoint handler : server.unsafe.internalRouter.allHttpHandlers()) {
            HandlerType method = handler.endpoint.method;
            if (method.isHttpMethod()) {
                routes.add(method.name() + " " + handler.endpoint.path.replaceAll("\\{[^}]*}", "0a1b2c3d"));
            }
        }
        assertThat(routes).hasSizeGreaterThan(15).containsAll(OPEN).contains("GET /metrics", "GET /api/sessions");
        assertThat(server.unsafe.internalRouter.allWsHandlers()).isEmpty();
        HttpClient client = HttpClient.newHttpClient();
        for (String route : routes) {
            String[] words = route.split(" ");
            for (String header : strangers()) {
                int code = ask(client, words[0], words[1], header);
                if (OPEN.contains(route)) {
                    assertThat(code).as(route).isIn(200, 401);
                } else {
                    assertThat(code).as(route + " with " + header).isEqualTo(401);
                }
            }
            if (!OPEN.contains(route)) {
                assertThat(ask(client, words[0], words[1], "Bearer " + token))
                        .as(route)
                        .isNotIn(401, 403);
            }
        }
        assertThat(sessions.openedTotal()).isZero();
    }

    @Test
    void whoHasTheTokenGetsASession() {
        assertThat(sessions.open(
                                Users.ofToken(directory.resolve("token"))
                                        .find(token)
                                        .orElseThrow(),
                                "",
                                io.maniple.bridge.proto.HelloRequest.newBuilder()
                                        .setOptions(SessionOptions.getDefaultInstance())
                                        .build())
                        .user()
                        .name())
                .isEqualTo("default");
    }
}
