package io.maniple.daemon.config;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Where spans go.
 *
 * @param endpoint of the collector for traces
 * @param sampling of how many sessions, 0 to 1
 * @param headers that the collector wants; secrets
 * @param ca whose certificate it has; empty: one of the system's authorities
 */
public record TracingSettings(URI endpoint, double sampling, Map<String, String> headers, Optional<Path> ca) {
    private static final String PATH = "/v1/traces";

    public TracingSettings {
        headers = Map.copyOf(headers);
    }

    /** Whoever logs it must not log the headers. */
    @Override
    public String toString() {
        return endpoint + ", sampling " + sampling;
    }

    static Optional<TracingSettings> of(SettingValues values) {
        double sampling = values.ratio(Setting.OTLP_SAMPLING);
        Optional<Path> ca = values.path(Setting.OTLP_CA);
        ca.ifPresent(DaemonSettings::readable);
        Optional<Path> headers = values.path(Setting.OTLP_HEADERS);
        String given = values.text(Setting.OTLP_ENDPOINT);
        if (given.isEmpty()) {
            return Optional.empty();
        }
        URI endpoint = endpoint(given);
        if (ca.isPresent() && !endpoint.getScheme().equals("https")) {
            throw new SettingException("--otlp-ca needs an --otlp-endpoint with https");
        }
        return Optional.of(new TracingSettings(
                endpoint, sampling, headers.map(TracingSettings::read).orElse(Map.of()), ca));
    }

    private static URI endpoint(String given) {
        try {
            URI uri = URI.create(given);
            String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
            if (uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getQuery() == null
                    && (scheme.equals("http") || scheme.equals("https"))) {
                String path = uri.getPath();
                return path.isEmpty() || path.equals("/") ? uri.resolve(PATH) : uri;
            }
        } catch (IllegalArgumentException e) {
            // Said below.
        }
        throw new SettingException(
                "--otlp-endpoint needs a URL such as http://localhost:4318 or https://collector/v1/traces, without a"
                        + " user or a query; not '" + given + "'");
    }

    private static Map<String, String> read(Path file) {
        DaemonSettings.secret(file);
        Map<String, String> headers = new LinkedHashMap<>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                int colon = line.indexOf(':');
                if (colon > 0) {
                    headers.put(
                            line.substring(0, colon).strip(),
                            line.substring(colon + 1).strip());
                } else if (!line.isBlank()) {
                    throw new SettingException(file + ", line " + number + ": a header is 'Name: value'");
                }
            }
        } catch (IOException e) {
            throw new SettingException("cannot read " + file + ": " + e.getMessage());
        }
        return headers;
    }
}
