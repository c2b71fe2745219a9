package io.maniple.server.logging;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import io.maniple.server.json.Json;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.event.KeyValuePair;

/**
 * A line of the log as a JSON object: time, level, event, session, user and message always, then logger and thread, and
 * error where there is a stack. What does not apply is an empty string.
 */
final class JsonLayout extends LayoutBase<ILoggingEvent> {
    @Override
    public String doLayout(ILoggingEvent line) {
        Map<String, String> about = new HashMap<>(line.getMDCPropertyMap());
        if (line.getKeyValuePairs() != null) {
            for (KeyValuePair pair : line.getKeyValuePairs()) {
                about.put(pair.key, String.valueOf(pair.value));
            }
        }
        Json json = new Json()
                .field("time", line.getInstant().toString())
                .field("level", line.getLevel().toString())
                .field("event", about.getOrDefault("event", ""))
                .field("session", about.getOrDefault("session", ""))
                .field("user", about.getOrDefault("user", ""))
                .field("message", line.getFormattedMessage())
                .field("logger", simple(line.getLoggerName()))
                .field("thread", line.getThreadName());
        if (line.getThrowableProxy() != null) {
            json.field("error", ThrowableProxyUtil.asString(line.getThrowableProxy()));
        }
        return json + "\n";
    }

    private static String simple(String logger) {
        return logger.substring(logger.lastIndexOf('.') + 1);
    }
}
