package io.maniple.bridge.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The system calls behind shared memory that the JDK has no method for. Each binding is made at its first use: it
 * takes tens of milliseconds, and most of these are not needed before the first result.
 */
final class Linux {
    private static final int MFD_CLOEXEC = 1;
    private static final int O_RDWR_CLOEXEC = 02 | 02000000;
    private static final int MADV_REMOVE = 9;
    private static final int EINTR = 4;
    private static final int ENOSYS = 38;

    private Linux() {}

    private static final class CreateMemoryFile {
        static final MethodHandle CALL = bind("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static final class Open {
        static final MethodHandle CALL = bind("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static final class Allocate {
        static final MethodHandle CALL =
                bind("posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    }

    private static final class Advise {
        static final MethodHandle CALL = bind("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    }

    private static final class Close {
        static final MethodHandle CALL = bind("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    }

    static int createMemoryFile(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = (int) CreateMemoryFile.CALL.invokeExact(arena.allocateFrom(name), MFD_CLOEXEC);
            if (descriptor < 0) {
                throw new IOException("memfd_create failed");
            }
            return descriptor;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Opens an existing file; Java's own streams do not reveal their descriptors. */
    static int open(String path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = (int) Open.CALL.invokeExact(arena.allocateFrom(path), O_RDWR_CLOEXEC);
            if (descriptor < 0) {
                throw new IOException("open failed");
            }
            return descriptor;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Takes the memory now, so that no later write can meet a full file system, which would be a SIGBUS. */
    static void allocate(int descriptor, long bytes) throws IOException {
        int error;
        try {
            do {
                error = (int) Allocate.CALL.invokeExact(descriptor, 0L, bytes);
            } while (error == EINTR);
        } catch (Throwable e) {
            throw unexpected(e);
        }
        if (error != 0) {
            throw new IOException("posix_fallocate failed: "
                    + switch (error) {
                        case 12 -> "out of memory";
                        case 22, ENOSYS, 95 -> "not supported";
                        case 27 -> "file size limit exceeded";
                        case 28 -> "no space left";
                        default -> "errno " + error;
                    });
        }
    }

    /** Gives the pages back at once, also where the other side still has them mapped (it reads zeros from then on). */
    static void discard(MemorySegment mapped) {
        try {
            // Where holes cannot be punched the pages go when the last side unmaps them.
            int ignored = (int) Advise.CALL.invokeExact(mapped, mapped.byteSize(), MADV_REMOVE);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    static void close(int descriptor) {
        try {
            int ignored = (int) Close.CALL.invokeExact(descriptor);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static IOException unexpected(Throwable thrown) throws IOException {
        switch (thrown) {
            case IOException failed -> throw failed;
            case RuntimeException failed -> throw failed;
            case Error failed -> throw failed;
            default -> throw new IllegalStateException(thrown);
        }
    }

    private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }
}
