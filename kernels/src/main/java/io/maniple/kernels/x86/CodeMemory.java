package io.maniple.kernels.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A piece of executable memory. It is written first and made executable afterwards, never both at once, so it works
 * under policies that refuse memory which is writable and executable.
 */
final class CodeMemory implements AutoCloseable {
    /** The system gives no executable memory (SELinux's execmem, seccomp, a hardened kernel) or none at all. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1L;

        RefusedException(String message) {
            super(message);
        }
    }

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final long PAGE = 4096;

    private static final MethodHandle MMAP = libc(
            "mmap",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle MPROTECT = libc(
            "mprotect",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    private static final MethodHandle MUNMAP = libc(
            "munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    private static final AtomicLong IN_USE = new AtomicLong();

    private final long address;
    private final long size;
    private boolean closed;

    private CodeMemory(long address, long size) {
        this.address = address;
        this.size = size;
    }

    private static MethodHandle libc(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /** Bytes of executable memory held by this process's kernels. */
    static long bytesInUse() {
        return IN_USE.get();
    }

    static CodeMemory of(byte[] code) throws RefusedException {
        long size = (code.length + PAGE - 1) & -PAGE;
        try {
            long address = (long) MMAP.invokeExact(0L, size, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (address == -1L) {
                throw new RefusedException("mmap of " + size + " bytes for machine code failed");
            }
            MemorySegment.copy(
                    code, 0, MemorySegment.ofAddress(address).reinterpret(size), ValueLayout.JAVA_BYTE, 0, code.length);
            if ((int) MPROTECT.invokeExact(address, size, PROT_READ | PROT_EXEC) != 0) {
                int ignored = (int) MUNMAP.invokeExact(address, size);
                throw new RefusedException("the system refuses executable memory (mprotect)");
            }
            IN_USE.addAndGet(size);
            return new CodeMemory(address, size);
        } catch (RefusedException | RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        }
    }

    MemorySegment entry() {
        return MemorySegment.ofAddress(address);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if ((int) MUNMAP.invokeExact(address, size) == 0) {
                IN_USE.addAndGet(-size);
            }
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        }
    }
}
