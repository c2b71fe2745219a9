package io.maniple.server.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * LAPACK by the OpenBLAS that NumPy itself brings (64-bit integers, names like {@code scipy_dgesv_64_}). A routine is
 * looked up at its first use. All arguments are addresses, as Fortran has it, but for the lengths of characters, which
 * stand at the end.
 */
final class Lapack {
    private final Optional<Path> library;
    private final Map<String, MethodHandle> routines = new ConcurrentHashMap<>();
    private @Nullable SymbolLookup lookup;
    private @Nullable String coreName;
    private int singles;
    private int threadsOtherwise;

    Lapack(Optional<Path> library) {
        this.library = library;
    }

    /** The processor whose code OpenBLAS has chosen, as "Haswell". */
    synchronized String coreName() {
        if (coreName == null) {
            MethodHandle get = handle("openblas_get_corename", FunctionDescriptor.of(ValueLayout.ADDRESS));
            try {
                MemorySegment name = (MemorySegment) get.invokeExact();
                coreName = name.reinterpret(64).getString(0);
            } catch (Throwable impossible) {
                throw new IllegalStateException("OpenBLAS has no name of a processor", impossible);
            }
        }
        return coreName;
    }

    /** Calls a routine, as "dgesv". */
    void call(String name, long... arguments) {
        MethodHandle routine = routines.computeIfAbsent(name, missing -> bind(missing + "_", arguments.length));
        try {
            routine.invokeExact(arguments);
        } catch (Throwable impossible) {
            throw new IllegalStateException("the call of " + name + " failed", impossible);
        }
    }

    /** While one of these is open, OpenBLAS uses the calling thread alone. */
    interface SingleThreaded extends AutoCloseable {
        @Override
        void close();
    }

    /** The number is one for the whole process, and sessions may ask for this at the same time. */
    synchronized SingleThreaded singleThreaded() {
        if (singles == 0) {
            threadsOtherwise = setThreads(1);
        }
        singles++;
        return this::endSingle;
    }

    private synchronized void endSingle() {
        singles--;
        if (singles == 0) {
            setThreads(threadsOtherwise);
        }
    }

    /** Returns how many threads there were before. */
    private int setThreads(int count) {
        try {
            int before = (int) routines.computeIfAbsent(
                            "get", name -> bindThreads("get", FunctionDescriptor.of(ValueLayout.JAVA_INT)))
                    .invokeExact();
            if (before != count) {
                routines.computeIfAbsent(
                                "set", name -> bindThreads("set", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)))
                        .invokeExact(count);
            }
            return before;
        } catch (Throwable impossible) {
            throw new IllegalStateException("OpenBLAS has no number of threads", impossible);
        }
    }

    private MethodHandle bind(String name, int arguments) {
        MemoryLayout[] pointers = new MemoryLayout[arguments];
        Arrays.fill(pointers, ValueLayout.JAVA_LONG);
        return handle(name, FunctionDescriptor.ofVoid(pointers)).asSpreader(long[].class, arguments);
    }

    private MethodHandle bindThreads(String verb, FunctionDescriptor descriptor) {
        return handle("openblas_" + verb + "_num_threads", descriptor);
    }

    private synchronized MethodHandle handle(String name, FunctionDescriptor descriptor) {
        if (lookup == null) {
            lookup = SymbolLookup.libraryLookup(
                    library.orElseThrow(() -> new IllegalStateException("there is no OpenBLAS")), Arena.global());
        }
        SymbolLookup symbols = lookup;
        return Linker.nativeLinker()
                .downcallHandle(
                        symbols.find("scipy_" + name + "64_")
                                .or(() -> symbols.find(name + "64_"))
                                .orElseThrow(() -> new IllegalStateException("OpenBLAS lacks " + name)),
                        descriptor);
    }
}
