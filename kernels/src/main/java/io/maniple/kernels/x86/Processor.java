package io.maniple.kernels.x86;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What this machine's processor can do, as the kernel reports it: the flags in /proc/cpuinfo leave out what the
 * operating system or a hypervisor has switched off, which CPUID alone would not.
 */
final class Processor {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    private static final boolean PERMUTES_BYTES = missing(Set.of("avx512vbmi")).isEmpty();

    private Processor() {}

    /** Whether AVX-512 moves single bytes to any place. */
    static boolean permutesBytes() {
        return PERMUTES_BYTES;
    }

    /** The flags of {@code wanted} that are missing. */
    static Set<String> missing(Set<String> wanted) {
        Set<String> missing = new TreeSet<>(wanted);
        missing.removeAll(flags());
        return missing;
    }

    private static Set<String> flags() {
        try (Stream<String> lines = Files.lines(CPUINFO)) {
            return lines.filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip().split("\\s+"))
                    .map(flags -> Set.copyOf(Arrays.asList(flags)))
                    .orElse(Set.of());
        } catch (IOException | UncheckedIOException absent) {
            return Set.of();
        }
    }
}
