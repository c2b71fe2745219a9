package io.maniple.daemon.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import io.maniple.server.session.ServerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Settings as text: the command line's before the configuration file's before the defaults. */
public final class SettingValues {
    /** The configuration file's name in a directory. */
    public static final String FILE = "maniple.toml";

    private final Map<Setting, String> values = new EnumMap<>(Setting.class);

    public SettingValues(Map<Setting, String> given, Optional<Path> configuration) {
        for (Setting setting : Setting.values()) {
            values.put(setting, setting.fallback());
        }
        configuration.ifPresent(this::read);
        values.putAll(given);
    }

    private void read(Path given) {
        Path file = Files.isDirectory(given) ? given.resolve(FILE) : given;
        JsonNode tree;
        try {
            tree = new TomlMapper().readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw new SettingException(file + " is no TOML: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new SettingException("cannot read the configuration " + file + ": " + e.getMessage());
        }
        tree.properties().forEach(entry -> {
            Setting setting = Setting.ofKey(entry.getKey())
                    .orElseThrow(() -> new SettingException(file + ": there is no setting '" + entry.getKey() + "'"));
            if (!entry.getValue().isValueNode()) {
                throw new SettingException(file + ": " + entry.getKey() + " is one value, not a table or a list");
            }
            String text = entry.getValue().asText();
            values.put(setting, isPath(setting) && !text.isEmpty() ? beside(file, text) : text);
        });
    }

    private static boolean isPath(Setting setting) {
        return setting.operand().equals("FILE") || setting.operand().equals("DIRECTORY");
    }

    /** Paths in a configuration file are relative to it. */
    private static String beside(Path file, String text) {
        StringBuilder resolved = new StringBuilder();
        for (String part : text.split(":", -1)) {
            resolved.append(resolved.isEmpty() ? "" : ":")
                    .append(file.toAbsolutePath().resolveSibling(part).normalize());
        }
        return resolved.toString();
    }

    /** As a configuration file that says the same. */
    public String print() {
        StringBuilder text = new StringBuilder();
        for (Setting setting : Setting.values()) {
            text.append("# ").append(setting.help()).append('\n');
            text.append(text(setting).isEmpty() ? "# " : "")
                    .append(setting.key())
                    .append(" = \"")
                    .append(text(setting).replace("\\", "\\\\").replace("\"", "\\\""))
                    .append("\"\n");
        }
        return text.toString();
    }

    public String text(Setting setting) {
        return values.getOrDefault(setting, "");
    }

    public Optional<Path> path(Setting setting) {
        return text(setting).isEmpty() ? Optional.empty() : Optional.of(Path.of(text(setting)));
    }

    public int number(Setting setting, int otherwise) {
        return text(setting).isEmpty()
                ? otherwise
                : number(text(setting)).orElseThrow(() -> wrong(setting, "a positive number"));
    }

    /** A positive number; empty if it is none. */
    public static Optional<Integer> number(String text) {
        try {
            return Optional.of(Integer.parseInt(text)).filter(number -> number > 0);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    public long bytes(Setting setting, long otherwise) {
        return text(setting).isEmpty()
                ? otherwise
                : bytes(text(setting)).orElseThrow(() -> wrong(setting, "a size such as 512m or 8g"));
    }

    /** Bytes, with k, m, g or t for powers of 1024; empty if it is no size. */
    public static Optional<Long> bytes(String text) {
        return ServerSettings.bytes(text).filter(bytes -> bytes >= 0);
    }

    public Duration time(Setting setting) {
        return time(text(setting)).orElseThrow(() -> wrong(setting, "a time such as 25s, 30m or 2h"));
    }

    /** Seconds, or a number with s, m or h; empty if it is no time. */
    public static Optional<Duration> time(String given) {
        String text = given.toLowerCase(Locale.ROOT);
        try {
            char last = text.isEmpty() ? ' ' : text.charAt(text.length() - 1);
            double number = Double.parseDouble(Character.isLetter(last) ? text.substring(0, text.length() - 1) : text);
            double seconds = number * (last == 'h' ? 3600 : last == 'm' ? 60 : 1);
            if (seconds > 0 && seconds < 1e9 && (!Character.isLetter(last) || "smh".indexOf(last) >= 0)) {
                return Optional.of(Duration.ofMillis(Math.round(seconds * 1000)));
            }
        } catch (NumberFormatException e) {
            // It is none.
        }
        return Optional.empty();
    }

    /** A number from 0 to 1. */
    public double ratio(Setting setting) {
        try {
            double number = Double.parseDouble(text(setting));
            if (number >= 0 && number <= 1) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw wrong(setting, "a number from 0 to 1");
    }

    /** One of several words. */
    public String choice(Setting setting, List<String> words) {
        if (!words.contains(text(setting))) {
            throw wrong(setting, String.join(" or ", words));
        }
        return text(setting);
    }

    /** A host and a port; IPv6 addresses in brackets. */
    public Optional<HostAndPort> address(Setting setting) {
        String text = text(setting);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        int colon = text.lastIndexOf(':');
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (colon > 0 && port >= 0 && port <= 65_535) {
                String host = text.substring(0, colon);
                return Optional.of(
                        new HostAndPort(host.startsWith("[") ? host.substring(1, host.length() - 1) : host, port));
            }
        } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
            // Said below.
        }
        throw wrong(setting, "HOST:PORT");
    }

    private SettingException wrong(Setting setting, String wanted) {
        return new SettingException(setting.option() + " needs " + wanted + ", not '" + text(setting) + "'");
    }

    /** Where to listen; port 0: any that is free. */
    public record HostAndPort(String host, int port) {}
}
