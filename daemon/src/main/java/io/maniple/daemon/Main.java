package io.maniple.daemon;

import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.config.Setting;
import io.maniple.daemon.config.SettingException;
import io.maniple.daemon.config.SettingValues;
import io.maniple.daemon.security.TrialFiles;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.server.Version;
import io.maniple.server.logging.LogFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;

/** The daemon's command line. */
public final class Main {
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandSpec spec = CommandSpec.create()
                .name("maniple server")
                .version("maniple " + Version.current())
                .addOption(OptionSpec.builder("--config")
                        .type(Path.class)
                        .paramLabel("FILE")
                        .description("settings from a file, or from " + SettingValues.FILE + " in a directory; the"
                                + " command line goes before it")
                        .build())
                .addOption(OptionSpec.builder("--print-config")
                        .type(boolean.class)
                        .description("print all settings as a configuration file, and exit")
                        .build());
        for (Setting setting : Setting.values()) {
            spec.addOption(OptionSpec.builder(setting.option())
                    .type(String.class)
                    .paramLabel(setting.operand())
                    .description(setting.help().replace("%", "%%"))
                    .build());
        }
        spec.usageMessage()
                .description("Runs a daemon that many users share: their programs find it by its URL.", "")
                .footer(
                        "",
                        "To try it out:",
                        "  maniple server init DIR",
                        "  maniple server --config DIR",
                        "  MANIPLE_CA=DIR/ca.pem MANIPLE_TOKEN_FILE=DIR/token \\",
                        "      maniple --connect maniple://localhost:8815 script.py");
        spec.mixinStandardHelpOptions(true);
        CommandLine line = new CommandLine(spec).setExecutionStrategy(Main::carryOut);
        line.addSubcommand("init", new Init());
        line.addSubcommand("new-user", new NewUser());
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            if (failure instanceof SettingException) {
                System.err.println("maniple server: " + failure.getMessage());
                return WRONG_USAGE;
            }
            throw failure;
        });
        return line;
    }

    private static int carryOut(ParseResult parsed) throws CommandLine.ExecutionException, ParameterException {
        Integer help = CommandLine.executeHelpRequest(parsed);
        if (help != null) {
            return help;
        }
        if (parsed.hasSubcommand()) {
            return new CommandLine.RunLast().execute(parsed);
        }
        try {
            return serve(parsed);
        } catch (SettingException e) {
            System.err.println("maniple server: " + e.getMessage());
            return WRONG_USAGE;
        } catch (IOException e) {
            System.err.println("maniple server: cannot listen: " + SettingException.reason(e));
            return FAILED;
        } catch (InterruptedException e) {
            return FAILED;
        }
    }

    private static int serve(ParseResult parsed) throws IOException, InterruptedException {
        Map<Setting, String> given = new EnumMap<>(Setting.class);
        for (Setting setting : Setting.values()) {
            if (parsed.hasMatchedOption(setting.option())) {
                given.put(setting, parsed.matchedOptionValue(setting.option(), ""));
            }
        }
        Optional<Path> configuration = Optional.ofNullable(parsed.matchedOptionValue("--config", null));
        SettingValues values = new SettingValues(given, configuration);
        if (parsed.hasMatchedOption("--print-config")) {
            System.out.print(values.print());
            return 0;
        }
        DaemonSettings settings = DaemonSettings.of(values);
        settings.log().ifPresent(LogFile::rotating);
        if (settings.jsonLog()) {
            LogFile.asJson();
        }
        return new DaemonProcess(settings).run();
    }

    /** Makes what a daemon needs for being tried out. */
    @Command(
            name = "init",
            mixinStandardHelpOptions = true,
            description = {
                "Makes an authority (ca.pem), a certificate for localhost and this host, a token and a configuration"
                        + " file in a directory, for trying the daemon out.",
                ""
            })
    static final class Init implements Callable<Integer> {
        @Parameters(paramLabel = "DIR", description = "where to write; made if it is not there")
        private Path directory = Path.of(".");

        @Option(
                names = "--host",
                paramLabel = "NAME",
                description = "a further name or address that clients use; may be given several times")
        private List<String> hosts = List.of();

        @Override
        public Integer call() {
            TrialFiles.write(directory, hosts);
            System.out.println(
                    "written to " + directory + ": ca.pem, server.pem, server-key.pem, token, " + SettingValues.FILE);
            System.out.println("start it:  maniple server --config " + directory);
            System.out.println("use it:    MANIPLE_CA=" + directory.resolve("ca.pem") + " MANIPLE_TOKEN_FILE="
                    + directory.resolve("token") + " maniple --connect maniple://localhost:8815 script.py");
            return 0;
        }
    }

    /** Adds a user to a file of users. */
    @Command(
            name = "new-user",
            mixinStandardHelpOptions = true,
            description = {
                "Adds a user to a file of users and prints the user's token, which is not kept anywhere. A running daemon"
                        + " notices.",
                ""
            })
    static final class NewUser implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "FILE", description = "the file of users; made if it is not there")
        private Path file = Path.of("users");

        @Parameters(index = "1", paramLabel = "NAME", description = "letters, digits, '.', '_', '-' and '@'")
        private String name = "";

        @Option(names = "--operator", description = "sees and ends everybody's sessions")
        private boolean operator;

        @Option(
                names = "--memory",
                paramLabel = "SIZE",
                description = "most memory of all of the user's sessions together")
        private String memory = "";

        @Option(names = "--sessions", paramLabel = "N", description = "most sessions of the user at a time")
        private String sessions = "";

        @Option(
                names = "--queued",
                paramLabel = "N",
                description = "most batches of all of the user's sessions together that wait for their turn")
        private String queued = "";

        @Option(
                names = "--idle",
                paramLabel = "TIME",
                description = "a session of the user that does nothing for so long is closed")
        private String idle = "";

        @Override
        public Integer call() throws IOException {
            if (!name.matches("[\\w.@-]{1,64}")) {
                throw new SettingException("'" + name + "' is no name of a user");
            }
            Map<String, String> quotas =
                    new TreeMap<>(Map.of("memory", memory, "sessions", sessions, "queued", queued, "idle", idle));
            quotas.values().removeIf(String::isEmpty);
            // What is wrong is said before anything is written.
            User.Quotas ignored = Users.quotas(quotas, "new-user");
            if (Files.exists(file) && Users.ofFile(file).named(name).isPresent()) {
                throw new SettingException(file + " has a user '" + name + "' already");
            }
            if (!Files.exists(file)) {
                Files.createFile(
                        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            String token = Users.newToken();
            StringBuilder line = new StringBuilder(Users.line(name, operator, token));
            quotas.forEach(
                    (quota, value) -> line.append(' ').append(quota).append('=').append(value));
            Files.writeString(file, line.append('\n'), StandardOpenOption.APPEND);
            System.out.println(token);
            return 0;
        }
    }
}
