package io.maniple.server.gateway;

import io.maniple.server.logging.Log;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import py4j.Protocol;
import py4j.commands.AbstractCommand;

/** The one command there is: a call of a method of the one entry point. Unlike Py4J's own, it resolves nothing. */
final class CallCommand extends AbstractCommand {
    private static final Log LOG = Log.of(CallCommand.class);

    private final EntryPoint entryPoint;
    private final LockedConnection caller;

    CallCommand(EntryPoint entryPoint, LockedConnection caller) {
        this.entryPoint = entryPoint;
        this.caller = caller;
        this.commandName = py4j.commands.CallCommand.CALL_COMMAND_NAME;
    }

    @Override
    public void execute(String command, BufferedReader reader, BufferedWriter writer) throws IOException {
        String target = line(reader);
        String method = line(reader);
        List<String> arguments = new ArrayList<>();
        for (String line = line(reader); !Protocol.isEnd(line); line = line(reader)) {
            if (arguments.size() == GatewayLimits.ARGUMENTS) {
                throw new IOException("too many arguments");
            }
            arguments.add(line);
        }
        writer.write(answer(target, method, arguments));
        writer.flush();
    }

    private String answer(String target, String method, List<String> lines) {
        try {
            if (!target.equals(Protocol.ENTRY_POINT_OBJECT_ID)) {
                throw new RefusedException("there is only the entry point");
            }
            List<Argument> arguments = new ArrayList<>();
            for (String line : lines) {
                arguments.add(Argument.parse(line));
            }
            String value = entryPoint.call(caller, method, arguments);
            // Base64 and JSON of one line: only backslashes could need Py4J's escapes, and this finds them fast.
            return "!ys" + py4j.StringUtil.escape(value) + "\n";
        } catch (RefusedException e) {
            return Protocol.getOutputErrorCommand(e.getMessage());
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            LOG.error("Call of {} failed", method.length() > GatewayLimits.NAME_CHARACTERS ? "?" : method, e);
            return Protocol.getOutputErrorCommand("internal error; the server's log has the details");
        }
    }

    private static String line(BufferedReader reader) throws IOException {
        String line = reader.readLine();
        if (line == null) {
            throw new EOFException("the connection ended within a command");
        }
        return line;
    }
}
