package io.maniple.cuda.nvidia;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Products of matrices by NVIDIA's cuBLAS, of whichever version 12 or 13 is found; opened at the first product. Arithmetic is
 * that of the type: no TF32. Used by one thread at a time, with the device's context current.
 */
final class Cublas implements AutoCloseable {
    private static final Pattern LIBRARY = Pattern.compile("libcublas\\.so\\.(1[23])");
    private static final int PLAIN = 0;
    private static final int TURNED = 1;
    private static final int STATUS_ALLOC_FAILED = 3;

    private final MethodHandle setStream;
    private final MethodHandle destroy;
    private final long handle;
    private final Map<Product.Type, MethodHandle> multiply = new EnumMap<>(Product.Type.class);
    private final MemorySegment one;
    private final MemorySegment zero;

    static boolean isThere(List<Path> folders) {
        return !Libraries.find(folders, LIBRARY).isEmpty();
    }

    /** @throws DeviceException REFUSED, if no library works */
    static Cublas open(List<Path> folders) throws DeviceException {
        StringBuilder why = new StringBuilder();
        for (Path path : Libraries.find(folders, LIBRARY)) {
            try {
                return new Cublas(path);
            } catch (IllegalArgumentException | IllegalStateException e) {
                why.append("; ").append(path).append(": ").append(e.getMessage());
            }
        }
        throw new DeviceException(DeviceException.Kind.REFUSED, "there is no cuBLAS that works" + why);
    }

    private Cublas(Path path) {
        SymbolLookup symbols = SymbolLookup.libraryLookup(path, Arena.global());
        MethodHandle create =
                handle(symbols, "cublasCreate_v2", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
        this.destroy =
                handle(symbols, "cublasDestroy_v2", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        this.setStream = handle(
                symbols,
                "cublasSetStream_v2",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        for (Product.Type type : Product.Type.values()) {
            multiply.put(type, handle(symbols, "cublas" + type.letter() + "gemmStridedBatched", signature()));
        }
        // Wide enough for all types: a factor of 1 begins with its real part, and the rest is zero.
        this.one = Arena.global().allocate(4L * 16, 16);
        this.zero = Arena.global().allocate(16, 16);
        one.set(ValueLayout.JAVA_FLOAT, 0, 1.0f);
        one.set(ValueLayout.JAVA_DOUBLE, 16, 1.0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment created = arena.allocate(8, 8);
            int status = (int) create.invokeExact(created);
            if (status != 0) {
                throw new IllegalStateException("cublasCreate: error " + status);
            }
            this.handle = created.get(ValueLayout.JAVA_LONG, 0);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable impossible) {
            throw new IllegalStateException("cublasCreate", impossible);
        }
    }

    private static FunctionDescriptor signature() {
        MemoryLayout flag = ValueLayout.JAVA_INT;
        MemoryLayout size = ValueLayout.JAVA_INT;
        MemoryLayout factor = ValueLayout.ADDRESS;
        MemoryLayout address = ValueLayout.JAVA_LONG;
        MemoryLayout step = ValueLayout.JAVA_LONG;
        return FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                flag,
                flag,
                size,
                size,
                size,
                factor,
                address,
                size,
                step,
                address,
                size,
                step,
                factor,
                address,
                size,
                step,
                size);
    }

    private static MethodHandle handle(SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol =
                symbols.find(name).orElseThrow(() -> new IllegalStateException("the library lacks " + name));
        return Linker.nativeLinker().downcallHandle(symbol, descriptor);
    }

    /** Whether all sizes are such as the library takes. */
    static boolean suits(Product product) {
        long most = Math.max(
                Math.max(product.rows(), product.columns()),
                Math.max(product.depth(), Math.max(product.leftLeading(), product.rightLeading())));
        return Math.max(most, product.count()) <= Integer.MAX_VALUE;
    }

    /** Queues products that suit. cuBLAS has columns where we have rows: so the right matrix is its first one. */
    void multiply(long stream, Product product) throws DeviceException {
        MemorySegment factor = one.asSlice(product.type().partBytes() == 8 ? 16 : 0, 16);
        int status;
        try {
            status = (int) setStream.invokeExact(handle, stream);
            if (status == 0) {
                status = (int) Objects.requireNonNull(multiply.get(product.type()))
                        .invokeExact(
                                handle,
                                product.rightTurned() ? TURNED : PLAIN,
                                product.leftTurned() ? TURNED : PLAIN,
                                (int) product.columns(),
                                (int) product.rows(),
                                (int) product.depth(),
                                factor,
                                product.right(),
                                (int) product.rightLeading(),
                                product.rightStep(),
                                product.left(),
                                (int) product.leftLeading(),
                                product.leftStep(),
                                zero,
                                product.target(),
                                (int) product.columns(),
                                product.rows() * product.columns(),
                                (int) product.count());
            }
        } catch (Throwable impossible) {
            throw new IllegalStateException("a cuBLAS call failed", impossible);
        }
        if (status != 0) {
            DeviceException.Kind kind =
                    status == STATUS_ALLOC_FAILED ? DeviceException.Kind.OUT_OF_MEMORY : DeviceException.Kind.REFUSED;
            throw new DeviceException(kind, "cublas" + product.type().letter() + "gemm: cuBLAS error " + status);
        }
    }

    @Override
    public void close() {
        try {
            // What it returns cannot be helped any more.
            int ignored = (int) destroy.invokeExact(handle);
        } catch (Throwable impossible) {
            throw new IllegalStateException("cublasDestroy", impossible);
        }
    }
}
