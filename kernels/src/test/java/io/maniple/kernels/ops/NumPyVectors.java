package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/** What make_vectors.py wrote; its docstring describes the lines. */
final class NumPyVectors {
    /** An array of NumPy's, contiguous. */
    record Array(DType type, byte[] data) {
        int size() {
            return data.length / type.bytes();
        }
    }

    /** One line: what it is about, the arrays that go in and those that NumPy gives. */
    record Case(String kind, String name, String signature, List<Array> inputs, List<Array> expected) {
        @Override
        public String toString() {
            return kind + " " + name + " " + signature;
        }
    }

    private final Map<String, Array> pools = new HashMap<>();
    private final Map<String, List<String>> types = new HashMap<>();
    private final List<Case> cases = new ArrayList<>();

    private NumPyVectors() {}

    static NumPyVectors read() {
        NumPyVectors vectors = new NumPyVectors();
        InputStream file = Objects.requireNonNull(NumPyVectors.class.getResourceAsStream("numpy-vectors.txt.gz"));
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(new GZIPInputStream(file), StandardCharsets.UTF_8))) {
            lines.lines().filter(line -> !line.startsWith("#")).forEach(line -> vectors.add(line.split(" ")));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return vectors;
    }

    List<Case> cases() {
        return cases;
    }

    /** NumPy's signatures by ufunc. */
    Map<String, List<String>> types() {
        return types;
    }

    private void add(String[] fields) {
        switch (fields[0]) {
            case "pool" -> pools.put(fields[1], array(fields[2].charAt(0), fields[3]));
            case "types" -> types.put(fields[1], List.of(fields).subList(2, fields.length));
            case "row" -> row(fields);
            case "fold" -> {
                char result = fields[2].charAt(fields[2].length() - 1);
                Array pool = pool(fields[3]);
                cases.add(new Case("fold", fields[1], fields[2], List.of(pool), List.of(array(result, fields[4]))));
            }
            case "cast" -> {
                Array expected = array(fields[2].charAt(0), fields[4]);
                cases.add(new Case(
                        "cast", "astype", fields[1] + "->" + fields[2], List.of(pool(fields[3])), List.of(expected)));
            }
            case "arange" -> {
                String signature = fields[1];
                int count = Integer.parseInt(fields[2]);
                char type = signature.charAt(0);
                List<Array> inputs =
                        List.of(repeat(array(type, fields[3]), count), repeat(array(type, fields[4]), count));
                Array expected = array(signature.charAt(signature.length() - 1), fields[5]);
                cases.add(new Case("arange", "arange", signature, inputs, List.of(expected)));
            }
            default -> throw new IllegalArgumentException("no line begins with " + fields[0]);
        }
    }

    private void row(String[] fields) {
        String signature = fields[2];
        int arrow = signature.indexOf("->");
        List<Array> inputPools = new ArrayList<>();
        for (int i = 0; i < arrow; i++) {
            inputPools.add(pool(fields[3 + i]));
        }
        List<Array> expected = new ArrayList<>();
        for (int i = arrow + 2; i < signature.length(); i++) {
            expected.add(array(signature.charAt(i), fields[3 + arrow + i - arrow - 2]));
        }
        cases.add(new Case("row", fields[1], signature, combinations(inputPools), expected));
    }

    /** All combinations, the last pool running fastest. */
    private static List<Array> combinations(List<Array> pools) {
        int total = pools.stream().mapToInt(Array::size).reduce(1, (x, y) -> x * y);
        List<Array> results = new ArrayList<>();
        int inner = total;
        for (Array pool : pools) {
            inner /= pool.size();
            int bytes = pool.type().bytes();
            byte[] data = new byte[total * bytes];
            for (int i = 0; i < total; i++) {
                System.arraycopy(pool.data(), i / inner % pool.size() * bytes, data, i * bytes, bytes);
            }
            results.add(new Array(pool.type(), data));
        }
        return results;
    }

    private static Array repeat(Array one, int count) {
        ByteBuffer data = ByteBuffer.allocate(count * one.data().length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            data.put(one.data());
        }
        return new Array(one.type(), data.array());
    }

    private Array pool(String name) {
        return Objects.requireNonNull(pools.get(name), name);
    }

    private static Array array(char type, String data) {
        return new Array(DType.ofCharacter(type), Base64.getDecoder().decode(data));
    }
}
