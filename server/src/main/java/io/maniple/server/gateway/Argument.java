package io.maniple.server.gateway;

import java.util.Base64;
import py4j.Protocol;
import py4j.StringUtil;

/** The argument types a client may send; of Py4J's, neither references nor proxies. */
sealed interface Argument {
    record Text(String value) implements Argument {}

    record Whole(long value) implements Argument {}

    record Bytes(byte[] value) implements Argument {}

    /** Decodes one line of Py4J's protocol. */
    static Argument parse(String line) throws RefusedException {
        if (line.isEmpty()) {
            throw new RefusedException("an argument without a type");
        }
        String value = line.substring(1);
        try {
            return switch (line.charAt(0)) {
                case Protocol.STRING_TYPE -> new Text(StringUtil.unescape(value));
                case Protocol.INTEGER_TYPE, Protocol.LONG_TYPE -> new Whole(Long.parseLong(value));
                case Protocol.BYTES_TYPE -> new Bytes(Base64.getDecoder().decode(value));
                default -> throw new RefusedException("only strings, integers and bytes are taken as arguments");
            };
        } catch (IllegalArgumentException e) {
            throw new RefusedException("a malformed argument");
        }
    }
}
