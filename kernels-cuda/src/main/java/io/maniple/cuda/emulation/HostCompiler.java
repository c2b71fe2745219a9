package io.maniple.cuda.emulation;

import io.maniple.cuda.DeviceCompiler;
import io.maniple.cuda.driver.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Compiles kernels by the C++ compiler of this machine to a shared library that {@link EmulatedDriver} loads. */
public final class HostCompiler implements DeviceCompiler {
    private static final Pattern KERNEL = Pattern.compile("extern \"C\" __global__ void (\\w+)\\(");
    private static final long PATIENCE_SECONDS = 300;
    private static final List<String> OPTIONS = List.of(
            "-x",
            "c++",
            "-std=c++17",
            "-O2",
            "-fPIC",
            "-shared",
            "-pipe",
            "-ffp-contract=off",
            "-fno-strict-aliasing",
            "-fwrapv",
            "-fno-exceptions",
            "-fno-rtti",
            "-fvisibility=hidden",
            "-w");

    private final String command;
    private final String header;

    /** @param command the compiler, such as "g++" */
    public HostCompiler(String command) {
        this.command = command;
        try (InputStream stream = HostCompiler.class.getResourceAsStream("/io/maniple/cuda/emulation.h")) {
            if (stream == null) {
                throw new IllegalStateException("emulation.h is not in the jar");
            }
            this.header = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String version() {
        return command + " " + OPTIONS + " " + header.hashCode();
    }

    @Override
    public byte[] compile(String source, String architecture) throws DeviceException {
        Path folder = null;
        try {
            folder = Files.createTempDirectory("maniple-emulation");
            Path kernels = folder.resolve("kernels.cpp");
            Path library = folder.resolve("kernels.so");
            Files.writeString(kernels, whole(source));
            List<String> line = new java.util.ArrayList<>(List.of(command));
            line.addAll(OPTIONS);
            line.addAll(List.of("-o", library.toString(), kernels.toString()));
            Path log = folder.resolve("log");
            Process process = new ProcessBuilder(line)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new DeviceException(
                        DeviceException.Kind.COMPILATION, command + " took more than " + PATIENCE_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                throw new DeviceException(
                        DeviceException.Kind.COMPILATION,
                        command + " refused a kernel of the emulated GPU: " + Files.readString(log));
            }
            return Files.readAllBytes(library);
        } catch (IOException e) {
            throw new DeviceException(
                    DeviceException.Kind.NO_COMPILER,
                    "the emulated GPU needs the C++ compiler " + command + ": " + e.getMessage()
                            + "; install g++, or unset MANIPLE_GPU_EMULATE",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DeviceException(DeviceException.Kind.COMPILATION, "interrupted", e);
        } finally {
            remove(folder);
        }
    }

    /** The source between what it needs and the entries that the driver calls. */
    private String whole(String source) {
        StringBuilder whole = new StringBuilder();
        if (source.contains("__sync") || source.contains("__shfl")) {
            whole.append("#define MANIPLE_BARRIERS 1\n");
        }
        whole.append(header).append(source).append('\n');
        Matcher kernels = KERNEL.matcher(source);
        while (kernels.find()) {
            whole.append("MANIPLE_ENTRY(").append(kernels.group(1)).append(")\n");
        }
        return whole.toString();
    }

    private static void remove(@org.jspecify.annotations.Nullable Path folder) {
        if (folder == null) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // A file in the temporary directory stays; the system clears it.
            return;
        }
    }
}
