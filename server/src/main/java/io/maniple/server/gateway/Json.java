package io.maniple.server.gateway;

import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;

/** Writes one JSON object. The server says little in JSON, and starts faster without a library for it. */
public final class Json {
    private final StringBuilder text = new StringBuilder("{");

    public Json field(String name, long value) {
        name(name).append(value);
        return this;
    }

    public Json field(String name, String value) {
        quote(name(name), value);
        return this;
    }

    public <T> Json list(String name, List<T> values, BiConsumer<T, Json> writer) {
        StringBuilder items = name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
            Json item = new Json();
            writer.accept(values.get(i), item);
            items.append(i == 0 ? "" : ", ").append(item);
        }
        items.append(']');
        return this;
    }

    private StringBuilder name(String name) {
        if (text.length() > 1) {
            text.append(", ");
        }
        quote(text, name);
        return text.append(": ");
    }

    private static void quote(StringBuilder target, String value) {
        target.append('"');
        for (int i = 0; i < value.length(); i++) {
            char character = value.charAt(i);
            if (character == '"' || character == '\\') {
                target.append('\\').append(character);
            } else if (character < ' ') {
                target.append(String.format(Locale.ROOT, "\\u%04x", (int) character));
            } else {
                target.append(character);
            }
        }
        target.append('"');
    }

    @Override
    public String toString() {
        return text + "}";
    }
}
