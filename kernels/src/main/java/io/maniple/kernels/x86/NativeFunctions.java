package io.maniple.kernels.x86;

import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Addresses of mathematical functions: the vector ones of the Java runtime's own libjsvml, and the C library's for one
 * number at a time.
 */
final class NativeFunctions {
    private static final Optional<SymbolLookup> VECTOR =
            open(Path.of(System.getProperty("java.home"), "lib", "libjsvml.so").toString());
    private static final Optional<SymbolLookup> SCALAR =
            open("libm.so.6").or(() -> Optional.of(Linker.nativeLinker().defaultLookup()));

    private NativeFunctions() {}

    private static Optional<SymbolLookup> open(String library) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(library, Arena.global()));
        } catch (IllegalArgumentException absent) {
            return Optional.empty();
        }
    }

    /**
     * SVML's function on {@code size} bytes of doubles or floats: arguments and result in registers 0 and 1. With AVX-512
     * it is always the one for 64 bytes, so that a number gives the same in every kernel.
     */
    static OptionalLong vector(InstructionSet set, Primitive function, boolean isDouble, int size) {
        int lanes = (set == InstructionSet.AVX512 ? 64 : size) / (isDouble ? 8 : 4);
        String suffix = lanes + "_ha_" + (set == InstructionSet.AVX512 ? "z0" : "l9");
        return switch (function) {
            case EXP,
                    EXPM1,
                    LOG,
                    LOG10,
                    LOG1P,
                    SIN,
                    COS,
                    TAN,
                    ASIN,
                    ACOS,
                    ATAN,
                    SINH,
                    COSH,
                    TANH,
                    CBRT,
                    POW,
                    ATAN2,
                    HYPOT -> find(VECTOR, "__jsvml_" + cName(function) + (isDouble ? "" : "f") + suffix);
            default -> OptionalLong.empty();
        };
    }

    static OptionalLong scalar(Primitive function, boolean isDouble) {
        return find(SCALAR, cName(function) + (isDouble ? "" : "f"));
    }

    private static String cName(Primitive function) {
        return function.name().toLowerCase(Locale.ROOT);
    }

    private static OptionalLong find(Optional<SymbolLookup> library, String name) {
        return library.flatMap(lookup -> lookup.find(name)).map(MemorySegment::address).stream()
                .mapToLong(Long::longValue)
                .findFirst();
    }
}
