package io.maniple.daemon.tracing;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;

/** A collector that keeps what it is sent (opentelemetry-proto's trace.proto, read by field numbers). */
final class Collector implements AutoCloseable {
    private final HttpServer server;
    private final List<Span> spans = new ArrayList<>();
    private final List<Map<String, String>> headers = new ArrayList<>();
    private final CountDownLatch open = new CountDownLatch(1);
    private final boolean stuck;

    /** @param attributes by name; numbers as decimal digits */
    record Span(
            String trace,
            String id,
            String parent,
            String name,
            long begin,
            long end,
            Map<String, String> attributes,
            long status,
            Map<String, String> resource) {}

    /** @param stuck whether it takes connections and never answers */
    Collector(boolean stuck) throws IOException {
        this.stuck = stuck;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", this::take);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "collector");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1/traces");
    }

    synchronized List<Span> spans() {
        return List.copyOf(spans);
    }

    synchronized List<Map<String, String>> headers() {
        return List.copyOf(headers);
    }

    private void take(HttpExchange exchange) throws IOException {
        if (stuck) {
            try {
                open.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
            return;
        }
        Map<String, String> sent = new HashMap<>();
        exchange.getRequestHeaders().forEach((name, values) -> sent.put(name, values.getFirst()));
        try (InputStream body = exchange.getRequestBody()) {
            InputStream plain = "gzip".equals(sent.get("Content-encoding")) ? new GZIPInputStream(body) : body;
            UnknownFieldSet request = UnknownFieldSet.parseFrom(plain.readAllBytes());
            synchronized (this) {
                headers.add(sent);
                for (UnknownFieldSet resourceSpans : messages(request, 1)) {
                    Map<String, String> resource =
                            attributes(messages(resourceSpans, 1).getFirst(), 1);
                    for (UnknownFieldSet scope : messages(resourceSpans, 2)) {
                        messages(scope, 2).forEach(span -> spans.add(span(span, resource)));
                    }
                }
            }
        }
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    private static Span span(UnknownFieldSet span, Map<String, String> resource) {
        List<UnknownFieldSet> status = messages(span, 15);
        return new Span(
                hex(span, 1),
                hex(span, 2),
                hex(span, 4),
                bytes(span, 5).toStringUtf8(),
                span.getField(7).getFixed64List().getFirst(),
                span.getField(8).getFixed64List().getFirst(),
                attributes(span, 9),
                status.isEmpty() ? 0 : number(status.getFirst(), 3),
                resource);
    }

    private static long number(UnknownFieldSet message, int field) {
        List<Long> values = message.getField(field).getVarintList();
        return values.isEmpty() ? 0 : values.getFirst();
    }

    private static ByteString bytes(UnknownFieldSet message, int field) {
        List<ByteString> values = message.getField(field).getLengthDelimitedList();
        return values.isEmpty() ? ByteString.EMPTY : values.getFirst();
    }

    private static String hex(UnknownFieldSet message, int field) {
        return HexFormat.of().formatHex(bytes(message, field).toByteArray());
    }

    private static List<UnknownFieldSet> messages(UnknownFieldSet message, int field) {
        return message.getField(field).getLengthDelimitedList().stream()
                .map(Collector::parsed)
                .toList();
    }

    private static UnknownFieldSet parsed(ByteString bytes) {
        try {
            return UnknownFieldSet.parseFrom(bytes);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, String> attributes(UnknownFieldSet message, int field) {
        Map<String, String> found = new HashMap<>();
        for (UnknownFieldSet pair : messages(message, field)) {
            UnknownFieldSet value = parsed(bytes(pair, 2));
            found.put(
                    bytes(pair, 1).toString(StandardCharsets.UTF_8),
                    value.hasField(1)
                            ? bytes(value, 1).toStringUtf8()
                            : Long.toString(number(value, value.hasField(2) ? 2 : 3)));
        }
        return found;
    }

    @Override
    public void close() {
        open.countDown();
        server.stop(0);
    }
}
