package io.maniple.cuda.nvidia;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Transform;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Fourier transforms by NVIDIA's cuFFT, of whichever version 11 or 12 (of CUDA 12 or 13) is found; opened at the first
 * transform. Used by one thread at a time, with the device's context current.
 */
final class Cufft implements AutoCloseable {
    private static final Pattern LIBRARY = Pattern.compile("libcufft\\.so\\.(1[12])");
    private static final int COMPLEX128 = 0x69;
    private static final int FORWARD = -1;
    private static final int BACKWARD = 1;
    private static final int STATUS_ALLOC_FAILED = 2;
    /** Plans that are kept: each holds memory of the device. */
    private static final int MOST_PLANS = 8;

    private final MethodHandle create;
    private final MethodHandle setStream;
    private final MethodHandle execute;
    private final MethodHandle destroy;
    /** The one that was used longest ago first. */
    private final Map<Shape, Integer> plans = new LinkedHashMap<>(16, 0.75f, true);

    private record Shape(long length, long rows) {}

    static boolean isThere(List<Path> folders) {
        return !Libraries.find(folders, LIBRARY).isEmpty();
    }

    /** @throws DeviceException REFUSED, if no library works */
    static Cufft open(List<Path> folders) throws DeviceException {
        StringBuilder why = new StringBuilder();
        for (Path path : Libraries.find(folders, LIBRARY)) {
            try {
                return new Cufft(path);
            } catch (IllegalArgumentException | IllegalStateException e) {
                why.append("; ").append(path).append(": ").append(e.getMessage());
            }
        }
        throw new DeviceException(DeviceException.Kind.REFUSED, "there is no cuFFT that works" + why);
    }

    private Cufft(Path path) {
        SymbolLookup symbols = SymbolLookup.libraryLookup(path, Arena.global());
        ValueLayout number = ValueLayout.JAVA_INT;
        ValueLayout address = ValueLayout.JAVA_LONG;
        this.create = handle(
                symbols, "cufftPlan1d", FunctionDescriptor.of(number, ValueLayout.ADDRESS, number, number, number));
        this.setStream = handle(symbols, "cufftSetStream", FunctionDescriptor.of(number, number, address));
        this.execute = handle(symbols, "cufftExecZ2Z", FunctionDescriptor.of(number, number, address, address, number));
        this.destroy = handle(symbols, "cufftDestroy", FunctionDescriptor.of(number, number));
    }

    private static MethodHandle handle(SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol =
                symbols.find(name).orElseThrow(() -> new IllegalStateException("the library lacks " + name));
        return Linker.nativeLinker().downcallHandle(symbol, descriptor);
    }

    /** Whether the sizes are such as the library takes. */
    static boolean suits(Transform transform) {
        return Math.max(transform.length(), transform.rows()) <= Integer.MAX_VALUE;
    }

    /** Queues transforms that suit. */
    void transform(long stream, Transform transform) throws DeviceException {
        int plan = plan(new Shape(transform.length(), transform.rows()));
        try {
            check("cufftSetStream", (int) setStream.invokeExact(plan, stream));
            check("cufftExecZ2Z", (int) execute.invokeExact(
                    plan, transform.address(), transform.address(), transform.backward() ? BACKWARD : FORWARD));
        } catch (DeviceException failure) {
            throw failure;
        } catch (Throwable impossible) {
            throw new IllegalStateException("a cuFFT call failed", impossible);
        }
    }

    private int plan(Shape shape) throws DeviceException {
        Integer known = plans.get(shape);
        if (known != null) {
            return known;
        }
        if (plans.size() == MOST_PLANS) {
            Iterator<Integer> oldest = plans.values().iterator();
            forget(oldest.next());
            oldest.remove();
        }
        int status;
        int plan;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment created = arena.allocate(ValueLayout.JAVA_INT);
            status = (int) create.invokeExact(created, (int) shape.length(), COMPLEX128, (int) shape.rows());
            plan = created.get(ValueLayout.JAVA_INT, 0);
        } catch (Throwable impossible) {
            throw new IllegalStateException("cufftPlan1d", impossible);
        }
        check("cufftPlan1d", status);
        plans.put(shape, plan);
        return plan;
    }

    private static void check(String function, int status) throws DeviceException {
        if (status != 0) {
            DeviceException.Kind kind =
                    status == STATUS_ALLOC_FAILED ? DeviceException.Kind.OUT_OF_MEMORY : DeviceException.Kind.REFUSED;
            throw new DeviceException(kind, function + ": cuFFT error " + status);
        }
    }

    private void forget(int plan) {
        try {
            // What it returns cannot be helped any more.
            int ignored = (int) destroy.invokeExact(plan);
        } catch (Throwable impossible) {
            throw new IllegalStateException("cufftDestroy", impossible);
        }
    }

    @Override
    public void close() {
        plans.values().forEach(this::forget);
        plans.clear();
    }
}
