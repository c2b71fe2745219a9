package io.maniple.server.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.spi.ContextAwareBase;
import ch.qos.logback.core.util.FileSize;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Sets Logback up in code: reading an XML file would take a tenth of a second of every start. */
public final class LogConfigurator extends ContextAwareBase implements Configurator {
    private static final List<String> LIBRARIES =
            List.of("org.apache.arrow", "io.grpc", "io.netty", "io.javalin", "org.eclipse.jetty");
    private static final int KEPT_LOGS = 5;
    private static final String LOG_SIZE = "10MB";
    private static final String PATTERN = "%d{yyyy-MM-dd HH:mm:ss.SSS} %-5level [%thread] %logger{0}: %msg%n";

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        LayoutWrappingEncoder<ILoggingEvent> encoder =
                System.getProperty(LogFile.JSON) == null ? plain(context) : json(context);
        encoder.setContext(context);
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.start();

        OutputStreamAppender<ILoggingEvent> appender = appender(context);
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.start();

        ch.qos.logback.classic.Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(appender);
        // Libraries say only what is wrong.
        for (String library : LIBRARIES) {
            context.getLogger(library).setLevel(Level.WARN);
        }
        // It warns, with a stack, of every client that goes away.
        context.getLogger("io.grpc.netty").setLevel(Level.ERROR);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    private static LayoutWrappingEncoder<ILoggingEvent> plain(LoggerContext context) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        return encoder;
    }

    private static LayoutWrappingEncoder<ILoggingEvent> json(LoggerContext context) {
        JsonLayout layout = new JsonLayout();
        layout.setContext(context);
        layout.start();
        LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
        encoder.setLayout(layout);
        return encoder;
    }

    private static OutputStreamAppender<ILoggingEvent> appender(LoggerContext context) {
        String path = System.getProperty(LogFile.PROPERTY);
        if (path == null) {
            // A library's use, or a test's. Never stdout, which may be somebody's data.
            ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
            console.setTarget("System.err");
            return console;
        }
        if (System.getProperty(LogFile.ROTATION) != null) {
            return rotating(path, context);
        }
        FileAppender<ILoggingEvent> file = new FileAppender<>();
        file.setFile(path);
        file.setAppend(true);
        return file;
    }

    private static RollingFileAppender<ILoggingEvent> rotating(String path, LoggerContext context) {
        RollingFileAppender<ILoggingEvent> file = new RollingFileAppender<>();
        file.setContext(context);
        file.setFile(path);
        FixedWindowRollingPolicy names = new FixedWindowRollingPolicy();
        names.setContext(context);
        names.setParent(file);
        names.setFileNamePattern(path + ".%i");
        names.setMaxIndex(KEPT_LOGS);
        names.start();
        SizeBasedTriggeringPolicy<ILoggingEvent> size = new SizeBasedTriggeringPolicy<>();
        size.setContext(context);
        size.setMaxFileSize(FileSize.valueOf(LOG_SIZE));
        size.start();
        file.setRollingPolicy(names);
        file.setTriggeringPolicy(size);
        return file;
    }
}
