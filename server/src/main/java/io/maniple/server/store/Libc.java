package io.maniple.server.store;

import java.lang.foreign.Arena;
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

    private static final int MAP_SHARED = 1;
    private static final int MAP_FIXED = 0x10;
    private static final int MADV_NOHUGEPAGE = 15;
    private static final int MADV_RANDOM = 1;
    private static final int MADV_DONTNEED = 4;
    private static final int O_RDWR_CLOEXEC = 02 | 02000000;
    private static final int O_RDONLY_CLOEXEC = 02000000;
    private static final int URGENT = -15;
    private static final int PUNCH_HOLE = 3;
    private static final int EINTR = 4;

    private Libc() {}

    /** Calls for files; bound at their first use, since most processes never need them. */
    private static final class Files {
        static final MethodHandle OPEN =
                handle("open", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        static final MethodHandle ALLOCATE = handle(
                "posix_fallocate",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        static final MethodHandle CHANGE = handle(
                "fallocate",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG));
        static final MethodHandle READ = handle(
                "pread",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG));
        static final MethodHandle PRIORITY = handle(
                "setpriority",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    }

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

    /** Puts empty address space in the place of what is mapped there. */
    static void reserveAt(long address, long bytes) {
        if (map(address, bytes, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE | MAP_FIXED) == 0) {
            throw new IllegalStateException("the address space is full");
        }
    }

    private static long map(long bytes, int flags) {
        return map(0, bytes, flags);
    }

    private static long map(long where, long bytes, int flags) {
        try {
            long address = (long) MMAP.invokeExact(where, bytes, PROT_READ_WRITE, flags, -1, 0L);
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

    /** Lets the calling thread go before others, where the system allows it. */
    static void hurry() {
        try {
            int ignored = (int) Files.PRIORITY.invokeExact(0, 0, URGENT);
        } catch (Throwable impossible) {
            throw new IllegalStateException("setpriority", impossible);
        }
    }

    /** Opens a file for reading and writing; -1 if that fails. */
    static int open(String path) {
        return open(path, O_RDWR_CLOEXEC);
    }

    static int openForReading(String path) {
        return open(path, O_RDONLY_CLOEXEC);
    }

    private static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) Files.OPEN.invokeExact(arena.allocateFrom(path), flags);
        } catch (Throwable impossible) {
            throw new IllegalStateException("open", impossible);
        }
    }

    /** Takes space of the disk for a part of a file; the system's number of the error, 0 for none. */
    static int allocate(int descriptor, long offset, long bytes) {
        try {
            int error;
            do {
                error = (int) Files.ALLOCATE.invokeExact(descriptor, offset, bytes);
            } while (error == EINTR);
            return error;
        } catch (Throwable impossible) {
            throw new IllegalStateException("posix_fallocate", impossible);
        }
    }

    static String describe(int error) {
        return switch (error) {
            case 27 -> "file size limit exceeded";
            case 28 -> "no space left on device";
            case 122 -> "disk quota exceeded";
            default -> "error " + error;
        };
    }

    /** Gives the space of a part of a file back; where that is not possible, it stays until the file ends. */
    static void punch(int descriptor, long offset, long bytes) {
        try {
            int ignored = (int) Files.CHANGE.invokeExact(descriptor, PUNCH_HOLE, offset, bytes);
        } catch (Throwable impossible) {
            throw new IllegalStateException("fallocate", impossible);
        }
    }

    /**
     * Maps a part of a file.
     *
     * @param where 0: anywhere
     * @return the address, or 0 if the system refuses
     */
    static long mapFile(long where, long bytes, int descriptor, long offset) {
        try {
            long address = (long) MMAP.invokeExact(
                    where,
                    bytes,
                    PROT_READ_WRITE,
                    where == 0 ? MAP_SHARED : MAP_SHARED | MAP_FIXED,
                    descriptor,
                    offset);
            return address == MAP_FAILED ? 0 : address;
        } catch (Throwable impossible) {
            throw new IllegalStateException("mmap", impossible);
        }
    }

    /** @param scattered whether it is not touched in order: nothing is read or mapped that is not asked for */
    static void adviseSmallPages(long address, long bytes, boolean scattered) {
        try {
            int ignored = (int) MADVISE.invokeExact(address, bytes, MADV_NOHUGEPAGE);
            if (scattered) {
                ignored = (int) MADVISE.invokeExact(address, bytes, MADV_RANDOM);
            }
        } catch (Throwable impossible) {
            throw new IllegalStateException("madvise", impossible);
        }
    }

    /** Takes pages of a mapped file out of memory; the file keeps what was written to them. */
    static void dropPages(long address, long bytes) {
        try {
            int ignored = (int) MADVISE.invokeExact(address, bytes, MADV_DONTNEED);
        } catch (Throwable impossible) {
            throw new IllegalStateException("madvise", impossible);
        }
    }

    /** Fills memory from a file; false if it cannot be read. */
    static boolean read(int descriptor, MemorySegment target, long offset) {
        for (long done = 0; done < target.byteSize(); ) {
            long count = readSome(descriptor, target.asSlice(done), offset + done);
            if (count <= 0) {
                return false;
            }
            done += count;
        }
        return true;
    }

    /** Reads what there is; how much that was, negative if it cannot be read. */
    static long readSome(int descriptor, MemorySegment target, long offset) {
        try {
            return (long) Files.READ.invokeExact(descriptor, target, target.byteSize(), offset);
        } catch (Throwable impossible) {
            throw new IllegalStateException("pread", impossible);
        }
    }
}
