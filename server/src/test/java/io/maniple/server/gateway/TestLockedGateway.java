package io.maniple.server.gateway;

import static io.maniple.server.gateway.GatewayClient.bytes;
import static io.maniple.server.gateway.GatewayClient.decoded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.HelloReply;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.server.session.EchoSessionFactory;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import py4j.Gateway;
import py4j.GatewayConnection;
import py4j.GatewayServer;
import py4j.Protocol;
import py4j.commands.Command;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TestLockedGateway {
    private final Token token = Token.random();
    private final SegmentSource segments = new SegmentSource(SharedMemorySettings.ofLimit(1 << 26));
    private final SessionRegistry sessions = new SessionRegistry(new EchoSessionFactory(), segments);
    private final AtomicInteger stops = new AtomicInteger();
    private final EntryPoint entryPoint =
            new EntryPoint(sessions, "test", () -> "{\"a\": \"b\\\\c\"}", stops::incrementAndGet);
    private final LockedGatewayServer server = new LockedGatewayServer(token, entryPoint);

    @BeforeEach
    void start() {
        server.start();
    }

    @AfterEach
    void stop() throws InterruptedException {
        sessions.drain(Duration.ofSeconds(5));
        server.shutdown();
        assertThat(segments.usedBytes()).isZero();
    }

    @Test
    void listensOnTheLoopbackInterfaceOnly() {
        assertThat(server.getAddress().isLoopbackAddress()).isTrue();
        assertThat(server.getListeningPort()).isPositive();
    }

    @Test
    void anAuthenticatedClientCallsTheEntryPoint() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            assertThat(client.call("status")).isEqualTo("!ys{\"a\": \"b\\\\\\\\c\"}");
            String session = hello(client).getSession();
            Reply reply = Reply.parseFrom(decoded(client.call("submit", "s" + session, bytes(sync(1).toByteArray()))));
            assertThat(reply.getStatus()).isEqualTo(Status.OK);
            assertThat(client.call("stop")).isEqualTo("!ys");
            assertThat(stops).hasValue(1);
        }
    }

    // ---- What an authenticated client cannot do. After each refusal the connection, or a new one, still serves.

    @ParameterizedTest
    @ValueSource(
            strings = {
                "z:java.lang.System\nexit\ni3\n",
                "z:java.lang.System\ngetProperty\nsjava.home\n",
                "z:java.lang.Runtime\ngetRuntime\n",
                "j\ngetClass\n",
                "GATEWAY_SERVER\nshutdown\n",
                "GATEWAY_SERVER\ngetGateway\n",
                "o0\ntoString\n",
                "t\ngetClass\n",
                "t\nhashCode\n",
                "t\ntoString\n",
                "t\nwait\n",
                "t\nconnectionClosed\nst\n",
                "t\nequals\nrt\n",
                "t\nclose\nrt\n",
                "t\nclose\nrGATEWAY_SERVER\n",
                "t\nclose\nfp1;java.lang.Runnable\n",
                "t\nclose\nn\n",
                "t\nclose\nd1.5\n",
                "t\nclose\nD1.5\n",
                "t\nclose\nbtrue\n",
                "t\nclose\nl1\n",
                "t\nclose\n\n",
                "t\nclose\ni99999999999999999999\n",
                "t\nclose\nj!!!not base64!!!\n",
                "t\nclose\n",
                "t\nclose\nsa\nsb\n",
                "t\nreserve\nsa\nsb\n",
                "t\nhello\ni1\n",
                "t\n\n",
                "\n\n"
            })
    void refusesEveryOtherCall(String call) throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            String answer = client.send("c\n" + call + "e\n").line();
            assertThat(answer).startsWith("!x").doesNotContain("Exception").doesNotContain("at io.maniple");
            assertThat(client.call("status")).startsWith("!ys");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "i\njava.lang.StringBuilder\ne\n", // constructor
                "i\njava.net.ServerSocket\ni0\ne\n",
                "f\ng\nt\nsessions\ne\n", // field get
                "f\ns\nt\nsessions\ni1\ne\n", // field set
                "r\nu\njava.lang.System\nrj\ne\n", // reflection
                "r\nm\njava.lang.System\nexit\ne\n",
                "h\no\nt\nsexit\nbtrue\ne\n", // help
                "d\nf\nt\ne\n", // dir
                "d\nm\nt\ne\n",
                "d\ns\njava.lang.System\ne\n",
                "a\ng\nt\ni0\ne\n", // array
                "a\nc\nsjava.lang.String\ni5\ne\n",
                "l\na\nt\ne\n", // list
                "m\nd\no0\ne\n", // memory
                "s\ne\n", // shutdown of the server
                "q2\ne\n",
                "j\nc\nrv\ne\n", // view of the JVM
                "j\ni\nrj\nsjava.util.*\ne\n",
                "p\nt\ne\n", // exception
                "S\nt\nstatus\ne\n", // stream
                "x\ne\n", // cancel
                "A\nagain\n",
                "\n",
                "c \nt\nstatus\ne\n",
                "\u0000\n"
            })
    void endsTheConnectionOnEveryOtherCommand(String command) throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            assertThat(client.send(command).line()).isNull();
        }
        assertStillServes();
    }

    @Test
    void knowsNoneOfPy4jsCommands() throws IOException {
        // A positive control: the list above is not shorter than Py4J's own.
        for (Class<?> command : GatewayConnection.getBaseCommands()) {
            Command one;
            try {
                one = (Command) command.getDeclaredConstructor().newInstance();
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
            if (one.getCommandName().equals(py4j.commands.CallCommand.CALL_COMMAND_NAME)) {
                continue;
            }
            try (GatewayClient client = GatewayClient.authenticated(server, token)) {
                assertThat(client.send(one.getCommandName() + "\ne\n").line())
                        .as(command.getSimpleName())
                        .isNull();
            }
        }
    }

    @Test
    void theGatewayBehindHoldsNothingAndTakesNothing() {
        Gateway gateway = server.getGateway();
        assertThat(gateway.getBindings()).isEmpty();
        assertThatThrownBy(() -> gateway.getObject(Protocol.ENTRY_POINT_OBJECT_ID))
                .isInstanceOf(SecurityException.class);
        assertThatThrownBy(() -> gateway.getObject(GatewayServer.GATEWAY_SERVER_ID))
                .isInstanceOf(SecurityException.class);
        assertThatThrownBy(() -> gateway.putNewObject("x")).isInstanceOf(SecurityException.class);
        assertThatThrownBy(() -> gateway.getReturnObject(new Object())).isInstanceOf(SecurityException.class);
        assertThatThrownBy(() -> gateway.invoke("java.lang.Object", List.of())).isInstanceOf(SecurityException.class);
    }

    @Test
    void aLineBeyondTheLimitEndsTheConnection() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            byte[] chunk = "x".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
            client.send("c\nt\nsubmit\ns");
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 64; i++) {
                            client.send(chunk);
                        }
                        assertThat(client.line()).isNull();
                        throw new IOException("ended");
                    })
                    .isInstanceOf(IOException.class);
        }
        assertStillServes();
    }

    @Test
    void aMessageOfTheLargestSizePasses() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            String session = hello(client).getSession();
            byte[] largest = new byte[GatewayLimits.CONTROL_MESSAGE_BYTES];
            Reply reply = Reply.parseFrom(decoded(client.call("submit", "s" + session, bytes(largest))));
            assertThat(reply.getStatus()).isEqualTo(Status.INVALID_PROGRAM);
        }
    }

    @Test
    void tooManyArgumentsEndTheConnection() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            assertThat(client.send("c\nt\nstatus\n" + "sx\n".repeat(1000) + "e\n")
                            .line())
                    .isNull();
        }
    }

    // ---- What everybody else gets: nothing.

    @ParameterizedTest
    @ValueSource(
            strings = {
                "c\nt\nstatus\ne\n",
                "A\n\n",
                "A\nwrong\n",
                "A\n0000000000000000000000000000000000000000000000000000000000000000\n",
                "A\nnull\n",
                "a\nx\n",
                "\n",
                "s\ne\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "\u0000\u0001\u00ff\u00fe\n\u0080\n",
                "A\n\u00ff\u00fe\u0000\n"
            })
    void anUnauthenticatedClientGetsNotAWord(String attempt) throws IOException {
        try (GatewayClient client = GatewayClient.unauthenticated(server)) {
            assertThat(client.send(attempt).line()).isNull();
        }
        assertStillServes();
    }

    @Test
    void aTokenThatIsAlmostRightIsWrong() throws IOException {
        String right = token.reveal();
        for (String wrong :
                new String[] {right.substring(1), right + "0", right.toUpperCase(Locale.ROOT) + "G", " " + right}) {
            try (GatewayClient client = GatewayClient.unauthenticated(server)) {
                assertThat(client.send("A\n" + wrong + "\nc\nt\nstatus\ne\n").line())
                        .isNull();
            }
        }
    }

    @Test
    void longLinesBeforeTheTokenEndTheConnection() throws IOException {
        for (String beginning : new String[] {"", "A\n"}) {
            try (GatewayClient client = GatewayClient.unauthenticated(server)) {
                client.send(beginning + "x".repeat(GatewayLimits.UNAUTHENTICATED_LINE_BYTES + 1));
                assertThat(client.line()).isNull();
            }
        }
        assertStillServes();
    }

    @Test
    void garbageEndsTheConnection() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            byte[] garbage = new byte[1 + random.nextInt(2000)];
            random.nextBytes(garbage);
            try (GatewayClient client = GatewayClient.unauthenticated(server)) {
                client.send(garbage).send("\n\n");
                assertThat(client.line()).as("seed %d", seed).isNull();
            } catch (SocketException e) {
                // Ended while it was still being sent: refused as well.
            }
        }
        assertStillServes();
    }

    @Test
    void garbageFromAnAuthenticatedClientHarmsNobody() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 100; i++) {
            byte[] garbage = new byte[1 + random.nextInt(300)];
            random.nextBytes(garbage);
            try (GatewayClient client = GatewayClient.authenticated(server, token)) {
                String session = i % 2 == 0 ? "unknown" : hello(client).getSession();
                String answer = client.call("submit", "s" + session, bytes(garbage));
                assertThat(answer).as("seed %d", seed).startsWith("!ys");
            }
        }
        assertStillServes();
    }

    // ---- Sessions

    @Test
    void anOldFormatIsRefused() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            HelloRequest request = HelloRequest.newBuilder().addFormats(99).build();
            HelloReply reply = HelloReply.parseFrom(decoded(client.call("hello", bytes(request.toByteArray()))));
            assertThat(reply.getStatus()).isEqualTo(Status.UNSUPPORTED_VERSION);
            assertThat(reply.getSession()).isEmpty();
        }
    }

    @Test
    void aGuessedSessionIsUnknown() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            hello(client);
            Reply reply = Reply.parseFrom(decoded(client.call("submit", "s0", bytes(sync(1).toByteArray()))));
            assertThat(reply.getStatus()).isEqualTo(Status.UNKNOWN_SESSION);
            assertThat(client.call("interrupt", "s0")).startsWith("!x");
            assertThat(client.call("close", "s0")).isEqualTo("!ys");
        }
    }

    @Test
    void sessionsAreLimited() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            for (int i = 0; i < GatewayLimits.SESSIONS; i++) {
                assertThat(hello(client).getStatus()).isEqualTo(Status.OK);
            }
            assertThat(hello(client).getStatus()).isEqualTo(Status.LIMIT_EXCEEDED);
        }
        awaitNoSessions();
    }

    @Test
    void connectionsAreLimited() throws IOException {
        List<GatewayClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < GatewayLimits.CONNECTIONS; i++) {
                clients.add(GatewayClient.authenticated(server, token));
            }
            assertThatThrownBy(() -> GatewayClient.authenticated(server, token)).isInstanceOf(IOException.class);
        } finally {
            for (GatewayClient client : clients) {
                client.close();
            }
        }
        // Places come free when the server has noticed.
        boolean served = false;
        while (!served) {
            try {
                assertStillServes();
                served = true;
            } catch (IOException e) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void theEndOfTheConnectionIsTheSessionsEnd() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            String session = hello(client).getSession();
            Reply reply = Reply.parseFrom(decoded(client.call("reserve", "s" + session, "L1000000")));
            assertThat(reply.getSegmentsCount()).isEqualTo(1);
            assertThat(reply.getPlacements(0).getBytes()).isEqualTo(1_000_000);
            assertThat(segments.usedBytes()).isPositive();
        }
        awaitNoSessions();
        assertThat(segments.usedBytes()).isZero();
    }

    @Test
    void tooLargeAReservationIsRefused() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            String session = hello(client).getSession();
            for (String bytes : new String[] {"L100000000", "L9223372036854775807", "L-1"}) {
                Reply reply = Reply.parseFrom(decoded(client.call("reserve", "s" + session, bytes)));
                assertThat(reply.getStatus()).isEqualTo(Status.SHARED_MEMORY_UNAVAILABLE);
            }
            assertThat(segments.usedBytes()).isZero();
        }
    }

    private void assertStillServes() throws IOException {
        try (GatewayClient client = GatewayClient.authenticated(server, token)) {
            assertThat(client.call("status")).startsWith("!ys");
        }
    }

    private void awaitNoSessions() {
        while (!sessions.drainIfIdle(Duration.ZERO)) {
            Thread.onSpinWait();
        }
    }

    private static HelloReply hello(GatewayClient client) throws IOException {
        HelloRequest request = HelloRequest.newBuilder()
                .addFormats(EntryPoint.FORMAT)
                .setClientPid((int) ProcessHandle.current().pid())
                .build();
        return HelloReply.parseFrom(decoded(client.call("hello", bytes(request.toByteArray()))));
    }

    private static Batch sync(long number) {
        return Batch.newBuilder().setFormat(2).setNumber(number).setSync(true).build();
    }
}
