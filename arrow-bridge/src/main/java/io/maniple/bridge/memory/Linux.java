package io.maniple.bridge.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** The system calls behind shared memory. FileChannel would do for mapping, but offers no memfd and no posix_fallocate. */
final class Linux {
    static final long PAGE = 4096;

    private static final int MFD_CLOEXEC = 1;
    private static final int O_RDWR_CREAT_EXCL_CLOEXEC = 02 | 0100 | 0200 | 02000000;
    private static final int OWNER_ONLY = 0600;
    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_SHARED = 1;
    private static final int MADV_REMOVE = 9;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

    private static final MethodHandle MEMFD_CREATE =
            find("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    // open(2) is variadic: the mode travels behind the fixed arguments.
    private static final MethodHandle OPEN = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("open"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
            Linker.Option.captureCallState("errno"),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle POSIX_FALLOCATE =
            find("posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MMAP =
            find("mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = find("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle MADVISE =
            find("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle CLOSE = find("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private Linux() {}

    /** A failed system call. */
    static final class SystemCallException extends Exception {
        private static final long serialVersionUID = 1;

        SystemCallException(String call, int errno) {
            super(call + " failed: " + explain(errno));
        }

        private static String explain(int errno) {
            return switch (errno) {
                case 1, 13 -> "permission denied";
                case 2 -> "no such directory";
                case 12 -> "out of memory";
                case 22, 38, 95 -> "not supported";
                case 23, 24 -> "too many open files";
                case 27 -> "file size limit exceeded";
                case 28 -> "no space left";
                default -> "errno " + errno;
            };
        }
    }

    static int createMemoryFile(String name) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            int descriptor = (int) MEMFD_CREATE.invokeExact(state, arena.allocateFrom(name), MFD_CLOEXEC);
            return checked("memfd_create", descriptor, state);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    static int createFile(String path) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            int descriptor =
                    (int) OPEN.invokeExact(state, arena.allocateFrom(path), O_RDWR_CREAT_EXCL_CLOEXEC, OWNER_ONLY);
            return checked("open", descriptor, state);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** Takes the memory now, so that no later write can meet a full file system (which would be a SIGBUS). */
    static void allocate(int descriptor, long bytes) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            int interrupted = 4;
            int error;
            do {
                error = (int) POSIX_FALLOCATE.invokeExact(state, descriptor, 0L, bytes);
            } while (error == interrupted);
            if (error != 0) {
                throw new SystemCallException("posix_fallocate", error);
            }
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    static MemorySegment map(int descriptor, long bytes) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment mapped = (MemorySegment)
                    MMAP.invokeExact(state, MemorySegment.NULL, bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0L);
            checked("mmap", mapped.address() == -1 ? -1 : 0, state);
            return mapped.reinterpret(bytes);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** Gives the pages back at once, also where the other side still has them mapped (it reads zeros from then on). */
    static void discard(MemorySegment mapped) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            checked("madvise", (int) MADVISE.invokeExact(state, mapped, mapped.byteSize(), MADV_REMOVE), state);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    static void unmap(MemorySegment mapped) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            checked("munmap", (int) MUNMAP.invokeExact(state, mapped, mapped.byteSize()), state);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    static void close(int descriptor) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            checked("close", (int) CLOSE.invokeExact(state, descriptor), state);
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    private static int checked(String call, int result, MemorySegment state) throws SystemCallException {
        if (result == -1) {
            throw new SystemCallException(call, (int) ERRNO.get(state, 0L));
        }
        return result;
    }

    private static SystemCallException rethrow(Throwable thrown) throws SystemCallException {
        switch (thrown) {
            case SystemCallException failed -> throw failed;
            case RuntimeException failed -> throw failed;
            case Error failed -> throw failed;
            default -> throw new IllegalStateException(thrown);
        }
    }

    private static MethodHandle find(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }
}
