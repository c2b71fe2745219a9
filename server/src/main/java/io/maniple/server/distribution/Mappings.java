package io.maniple.server.distribution;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/** The mapping policies there are, by name. */
public final class Mappings {
    /** Equal parts. */
    public static final MappingPolicy EVEN = new EvenMapping();

    private Mappings() {}

    /**
     * Finds a policy.
     *
     * @param choice NAME or NAME:ARGUMENTS
     * @param jar where those are that are not our own
     * @throws IllegalArgumentException what is wrong with the choice or the jar, for people
     */
    public static MappingPolicy find(String choice, Optional<Path> jar) {
        int colon = choice.indexOf(':');
        String name = colon < 0 ? choice : choice.substring(0, colon);
        TreeMap<String, MappingPolicy> known = new TreeMap<>();
        for (MappingPolicy own : List.of(EVEN, new WeightedMapping())) {
            known.put(own.name(), own);
        }
        jar.ifPresent(file -> others(file).forEach(other -> {
            if (known.putIfAbsent(other.name(), other) != null) {
                throw new IllegalArgumentException(
                        "there are two mappings '" + other.name() + "', one of them in " + file + ": rename it");
            }
        }));
        MappingPolicy found = known.get(name);
        if (found == null) {
            throw new IllegalArgumentException("there is no mapping '" + name + "'"
                    + jar.map(file -> " here or in " + file).orElse("") + ", but " + String.join(", ", known.keySet()));
        }
        MappingPolicy chosen = colon < 0 ? found : found.with(choice.substring(colon + 1));
        return chosen instanceof EvenMapping ? chosen : checked(chosen);
    }

    /** Where a worker's part begins, for their number the end: what need not be asked a policy is not. */
    public static long begin(MappingPolicy policy, long count, int worker, int workers) {
        return worker == 0 ? 0 : worker == workers ? count : policy.begin(count, worker, workers);
    }

    static MappingPolicy checked(MappingPolicy policy) {
        return new Checked(policy);
    }

    /** What all workers must have alike: the choice, and the checksum of the jar. */
    public static String fingerprint(String choice, Optional<Path> jar) {
        if (jar.isEmpty()) {
            return choice;
        }
        CRC32C sum = new CRC32C();
        try {
            sum.update(Files.readAllBytes(jar.get()));
        } catch (IOException e) {
            throw unreadable(jar.get());
        }
        return choice + " of " + jar.get().getFileName() + " (" + Long.toHexString(sum.getValue()) + ")";
    }

    private static List<MappingPolicy> others(Path jar) {
        if (!Files.isReadable(jar)) {
            throw unreadable(jar);
        }
        try {
            // Open for as long as the process: its classes may be loaded late.
            URLClassLoader loader =
                    new URLClassLoader(new URL[] {jar.toUri().toURL()}, MappingPolicy.class.getClassLoader());
            return ServiceLoader.load(MappingPolicy.class, loader).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
        } catch (MalformedURLException | ServiceConfigurationError e) {
            throw new IllegalArgumentException("the mappings of " + jar + " cannot be loaded: " + e.getMessage(), e);
        }
    }

    private static IllegalArgumentException unreadable(Path jar) {
        return new IllegalArgumentException("the mappings' jar " + jar + " cannot be read");
    }

    /** A policy of others, which may be wrong: an error then, and never a wrong answer. */
    private record Checked(MappingPolicy policy) implements MappingPolicy {
        @Override
        public String name() {
            return policy.name();
        }

        @Override
        public long begin(long count, int worker, int workers) {
            long before = worker < 2 ? 0 : asked(() -> policy.begin(count, worker - 1, workers));
            long begin = asked(() -> policy.begin(count, worker, workers));
            if (begin < before || begin > count) {
                throw wrong("lets part " + worker + " of " + workers + " begin at " + begin + " of " + count
                        + ", and the one before it at " + before);
            }
            return begin;
        }

        @Override
        public int alone(long[] held) {
            long worker = asked(() -> policy.alone(held.clone()));
            if (worker < 0 || worker >= held.length) {
                throw wrong("gives work to worker " + worker + " of " + held.length);
            }
            return (int) worker;
        }

        private long asked(LongSupplier question) {
            try {
                return question.getAsLong();
            } catch (RuntimeException e) {
                throw new ManipleException(Status.INTERNAL, "the mapping '" + name() + "' has failed: " + e, "", e);
            }
        }

        private ManipleException wrong(String what) {
            return new ManipleException(Status.INTERNAL, "the mapping '" + name() + "' " + what);
        }

        @Override
        public long everywhereElements() {
            return policy.everywhereElements();
        }

        @Override
        public long everywhereBytes() {
            return policy.everywhereBytes();
        }
    }
}
