package io.maniple.kernels.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Pieces of memory with an inaccessible page on both sides: one byte read too far ends the test run. */
final class GuardedMemory {
    private static final long PAGE = 4096;
    private static final MethodHandle MMAP = handle(
            "mmap",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle MPROTECT = handle(
            "mprotect",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private final long start;
    private final long size;

    GuardedMemory(long atLeast) {
        size = (atLeast + PAGE - 1) & -PAGE;
        try {
            long base = (long) MMAP.invokeExact(0L, size + 2 * PAGE, 0, 0x22, -1, 0L);
            start = base + PAGE;
            if (base == -1L || (int) MPROTECT.invokeExact(start, size, 3) != 0) {
                throw new IllegalStateException("no memory for the test");
            }
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    long start() {
        return start;
    }

    long size() {
        return size;
    }

    long end() {
        return start + size;
    }

    MemorySegment segment() {
        return MemorySegment.ofAddress(start).reinterpret(size);
    }
}
