package io.maniple.server.json;

import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Writes one JSON object. The server says little in JSON, and starts faster without a library for it. */
public final class Json {
    private final StringBuilder text;
    private boolean empty = true;

    public Json() {
        this(new StringBuilder());
    }

    private Json(StringBuilder text) {
        this.text = text.append('{');
    }

    public Json field(String name, long value) {
        name(name).append(value);
        return this;
    }

    /** Numbers that JSON does not know become null. */
    public Json field(String name, double value) {
        StringBuilder target = name(name);
        if (Double.isFinite(value)) {
            target.append(value);
        } else {
            target.append("null");
        }
        return this;
    }

    public Json field(String name, boolean value) {
        name(name).append(value);
        return this;
    }

    public Json field(String name, String value) {
        quote(name(name), value);
        return this;
    }

    /** @param digits a number as JSON has it */
    public Json number(String name, String digits) {
        name(name).append(digits);
        return this;
    }

    public Json object(String name, Consumer<Json> writer) {
        nested(name(name), writer);
        return this;
    }

    public <T> Json list(String name, List<T> values, BiConsumer<T, Json> writer) {
        StringBuilder items = name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
            T value = values.get(i);
            nested(items.append(i == 0 ? "" : ", "), item -> writer.accept(value, item));
        }
        items.append(']');
        return this;
    }

    public Json texts(String name, List<String> values) {
        StringBuilder items = name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
            quote(items.append(i == 0 ? "" : ", "), values.get(i));
        }
        items.append(']');
        return this;
    }

    public Json numbers(String name, double[] values) {
        StringBuilder items = name(name).append('[');
        for (int i = 0; i < values.length; i++) {
            items.append(i == 0 ? "" : ", ").append(values[i]);
        }
        items.append(']');
        return this;
    }

    /** Adds one object to a text. */
    public static void write(StringBuilder target, Consumer<Json> writer) {
        nested(target, writer);
    }

    private static void nested(StringBuilder target, Consumer<Json> writer) {
        writer.accept(new Json(target));
        target.append('}');
    }

    private StringBuilder name(String name) {
        if (!empty) {
            text.append(", ");
        }
        empty = false;
        quote(text, name);
        return text.append(": ");
    }

    private static void quote(StringBuilder target, String value) {
        target.append('"');
        for (int i = 0; i < value.length(); i++) {
            char character = value.charAt(i);
            if (character == '"' || character == '\\') {
                target.append('\\').append(character);
            } else if (character < ' ' || character == '\u2028' || character == '\u2029') {
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
