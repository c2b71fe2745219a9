package io.maniple.cuda.nvidia;

import io.maniple.cuda.DeviceCompiler;
import io.maniple.cuda.driver.DeviceException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** NVIDIA's run-time compiler, of whichever version 12 or 13 is found; opened at the first compilation. */
public final class Nvrtc implements DeviceCompiler {
    private static final Pattern LIBRARY = Pattern.compile("libnvrtc\\.so\\.(1[23])");

    private final List<Path> folders;
    private @Nullable Library library;

    /** @param folders to look in, with what is below them, before those of a toolkit */
    public Nvrtc(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /** The library's functions. */
    private record Library(
            String version,
            MethodHandle create,
            MethodHandle compile,
            MethodHandle destroy,
            MethodHandle logSize,
            MethodHandle log,
            MethodHandle codeSize,
            MethodHandle code) {}

    private synchronized Library library() throws DeviceException {
        Library opened = library;
        if (opened == null) {
            opened = open();
            library = opened;
        }
        return opened;
    }

    @Override
    public String version() throws DeviceException {
        return "nvrtc " + library().version();
    }

    private Library open() throws DeviceException {
        StringBuilder why = new StringBuilder();
        for (Path path : Libraries.find(folders, LIBRARY)) {
            try {
                return open(path);
            } catch (IllegalArgumentException | IllegalStateException e) {
                why.append("; ").append(path).append(": ").append(e.getMessage());
            }
        }
        throw new DeviceException(
                DeviceException.Kind.NO_COMPILER,
                "the GPU needs NVRTC, which is not on this machine: pip install 'maniple[gpu]'"
                        + (why.isEmpty() ? "" : " (" + why.substring(2) + ")"));
    }

    private static Library open(Path path) {
        Matcher major = LIBRARY.matcher(path.getFileName().toString());
        if (major.matches()) {
            // The compiler looks for its builtins by name only; whoever has them open already finds them.
            try (Stream<Path> files = Files.list(path.getParent())) {
                files.filter(file -> file.getFileName().toString().startsWith("libnvrtc-builtins.so." + major.group(1)))
                        .sorted()
                        .findFirst()
                        .ifPresent(file -> SymbolLookup.libraryLookup(file, Arena.global()));
            } catch (IOException e) {
                throw new IllegalStateException(e.toString(), e);
            }
        }
        SymbolLookup symbols = SymbolLookup.libraryLookup(path, Arena.global());
        MethodHandle version = handle(
                symbols,
                "nvrtcVersion",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        FunctionDescriptor toProgram =
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(8, 4);
            int status = (int) version.invokeExact(numbers, numbers.asSlice(4));
            String text = numbers.get(ValueLayout.JAVA_INT, 0) + "." + numbers.get(ValueLayout.JAVA_INT, 4);
            if (status != 0) {
                throw new IllegalStateException("nvrtcVersion: error " + status);
            }
            return new Library(
                    text,
                    handle(
                            symbols,
                            "nvrtcCreateProgram",
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.ADDRESS)),
                    handle(
                            symbols,
                            "nvrtcCompileProgram",
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS)),
                    handle(
                            symbols,
                            "nvrtcDestroyProgram",
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS)),
                    handle(symbols, "nvrtcGetProgramLogSize", toProgram),
                    handle(symbols, "nvrtcGetProgramLog", toProgram),
                    handle(symbols, "nvrtcGetCUBINSize", toProgram),
                    handle(symbols, "nvrtcGetCUBIN", toProgram));
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable impossible) {
            throw new IllegalStateException("nvrtcVersion", impossible);
        }
    }

    private static MethodHandle handle(SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol =
                symbols.find(name).orElseThrow(() -> new IllegalStateException("it has no function " + name));
        return Linker.nativeLinker().downcallHandle(symbol, descriptor);
    }

    @Override
    public byte[] compile(String source, String architecture) throws DeviceException {
        Library own = library();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment holder = arena.allocate(8, 8);
            check("nvrtcCreateProgram", (int) own.create()
                    .invokeExact(
                            holder,
                            arena.allocateFrom(source),
                            arena.allocateFrom("kernels.cu"),
                            0,
                            MemorySegment.NULL,
                            MemorySegment.NULL));
            MemorySegment program = holder.get(ValueLayout.ADDRESS, 0);
            try {
                return compile(own, arena, program, architecture);
            } finally {
                int ignored = (int) own.destroy().invokeExact(holder);
            }
        } catch (DeviceException | RuntimeException e) {
            throw e;
        } catch (Throwable impossible) {
            throw new IllegalStateException("NVRTC", impossible);
        }
    }

    private static byte[] compile(Library own, Arena arena, MemorySegment program, String architecture)
            throws Throwable {
        // Every operation is rounded as on the processor.
        List<String> options = List.of("--gpu-architecture=" + architecture, "--fmad=false", "--std=c++17");
        MemorySegment list = arena.allocate(8L * options.size(), 8);
        for (int option = 0; option < options.size(); option++) {
            list.setAtIndex(ValueLayout.ADDRESS, option, arena.allocateFrom(options.get(option)));
        }
        int status = (int) own.compile().invokeExact(program, options.size(), list);
        MemorySegment size = arena.allocate(8, 8);
        if (status != 0) {
            check("nvrtcGetProgramLogSize", (int) own.logSize().invokeExact(program, size));
            MemorySegment log = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
            check("nvrtcGetProgramLog", (int) own.log().invokeExact(program, log));
            String said = log.getString(0, StandardCharsets.UTF_8);
            throw new DeviceException(
                    DeviceException.Kind.COMPILATION,
                    "NVRTC " + own.version() + " refuses a kernel for " + architecture + ": " + said);
        }
        check("nvrtcGetCUBINSize", (int) own.codeSize().invokeExact(program, size));
        MemorySegment code = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
        check("nvrtcGetCUBIN", (int) own.code().invokeExact(program, code));
        return code.toArray(ValueLayout.JAVA_BYTE);
    }

    private static void check(String call, int status) throws DeviceException {
        if (status != 0) {
            throw new DeviceException(DeviceException.Kind.COMPILATION, call + ": NVRTC error " + status);
        }
    }
}
