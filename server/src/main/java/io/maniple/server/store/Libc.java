package io.maniple.server.store;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The C library's calls for anonymous memory. */
final class Libc {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    /** No memory is set aside for what is mapped: an array may be larger than the machine. */
    private static final int MAP_NORESERVE = 0x4000;

    private static final int MADV_HUGEPAGE = 14;
    private static final long MAP_FAILED = -1;

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
    private static final MethodHandle MUNMAP =
            handle("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle MADVISE = handle(
            "madvise",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private Libc() {}

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup().findOrThrow(name);
        return linker.downcallHandle(symbol, descriptor);
    }

    /** @return the address, or 0 if the system refuses */
    static long map(long bytes) {
        return map(bytes, MAP_PRIVATE_ANONYMOUS);
    }

    /** Like {@link #map}, for much that will never be touched. */
    static long reserve(long bytes) {
        return map(bytes, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE);
    }

    private static long map(long bytes, int flags) {
        try {
            long address = (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, flags, -1, 0L);
            return address == MAP_FAILED ? 0 : address;
        } catch (Throwable impossible) {
            throw new IllegalStateException("mmap", impossible);
        }
    }

    static void unmap(long address, long bytes) {
        try {
            int ignored = (int) MUNMAP.invokeExact(address, bytes);
        } catch (Throwable impossible) {
            throw new IllegalStateException("munmap", impossible);
        }
    }

    /** Asks for 2 MiB pages; a refusal only costs speed. */
    static void adviseHugePages(long address, long bytes) {
        try {
            int ignored = (int) MADVISE.invokeExact(address, bytes, MADV_HUGEPAGE);
        } catch (Throwable impossible) {
            throw new IllegalStateException("madvise", impossible);
        }
    }
}
