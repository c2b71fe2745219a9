package io.maniple.kernels.x86;

import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** Functions in double, the measure of what kernels compute: the C library's, and Java's where that one is coarse. */
final class TestFunctions {
    private static final SymbolLookup LIBM = SymbolLookup.libraryLookup("libm.so.6", Arena.global());
    private static final Map<Primitive, MethodHandle> HANDLES = new EnumMap<>(Primitive.class);
    private static final Linker LINKER = Linker.nativeLinker();

    static final ReferenceInterpreter.Functions STRICT = TestFunctions::apply;

    private TestFunctions() {}

    private static double apply(Primitive function, boolean isDouble, double x, double y) {
        if (function == Primitive.NEXTAFTER && !isDouble) {
            float from = (float) x;
            return Float.isNaN(from) || Double.isNaN(y) ? Float.NaN : from == y ? (float) y : Math.nextAfter(from, y);
        }
        return switch (function) {
            case CBRT -> StrictMath.cbrt(x);
            default -> library(function, x, y);
        };
    }

    private static double library(Primitive function, double x, double y) {
        try {
            return function.arity() == 1
                    ? (double) handle(function).invokeExact(x)
                    : (double) handle(function).invokeExact(x, y);
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static MethodHandle handle(Primitive function) {
        return HANDLES.computeIfAbsent(function, missing -> {
            String name = missing.name().toLowerCase(Locale.ROOT);
            return LINKER.downcallHandle(
                    LIBM.findOrThrow(name),
                    missing.arity() == 1
                            ? FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE)
                            : FunctionDescriptor.of(
                                    ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE));
        });
    }
}
