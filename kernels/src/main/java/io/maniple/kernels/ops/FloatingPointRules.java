package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which floating-point errors NumPy reports of an operation, told from its inputs and results: an invalid result is a
 * NaN that no input explains, an overflow an infinity from finite inputs. {@link ComplexErrors} has the complex ones.
 */
public final class FloatingPointRules {
    /** The kinds, as NumPy numbers them. */
    public static final int DIVIDE = 1;

    public static final int OVERFLOW = 2;
    public static final int INVALID = 8;

    private static final int ALL = DIVIDE | OVERFLOW | INVALID;
    private static final Map<String, Integer> OF_FLOATS = Map.ofEntries(
            Map.entry("add", OVERFLOW | INVALID),
            Map.entry("subtract", OVERFLOW | INVALID),
            Map.entry("multiply", OVERFLOW | INVALID),
            Map.entry("square", OVERFLOW),
            Map.entry("divide", ALL),
            Map.entry("reciprocal", DIVIDE | OVERFLOW),
            Map.entry("power", ALL),
            Map.entry("float_power", ALL),
            Map.entry("floor_divide", ALL),
            Map.entry("divmod", ALL),
            Map.entry("remainder", INVALID),
            Map.entry("fmod", INVALID),
            Map.entry("sqrt", INVALID),
            Map.entry("exp", OVERFLOW),
            Map.entry("exp2", OVERFLOW),
            Map.entry("expm1", OVERFLOW),
            Map.entry("sinh", OVERFLOW),
            Map.entry("cosh", OVERFLOW),
            Map.entry("log", DIVIDE | INVALID),
            Map.entry("log2", DIVIDE | INVALID),
            Map.entry("log10", DIVIDE | INVALID),
            Map.entry("log1p", DIVIDE | INVALID),
            Map.entry("arctanh", DIVIDE | INVALID),
            Map.entry("arcsin", INVALID),
            Map.entry("arccos", INVALID),
            Map.entry("arccosh", INVALID),
            Map.entry("sin", INVALID),
            Map.entry("cos", INVALID),
            Map.entry("tan", INVALID),
            Map.entry("hypot", OVERFLOW),
            Map.entry("nextafter", OVERFLOW),
            Map.entry("ldexp", OVERFLOW),
            Map.entry("degrees", OVERFLOW),
            Map.entry("rad2deg", OVERFLOW));
    private static final Map<String, Integer> OF_INTEGERS = Map.of(
            "floor_divide", DIVIDE | OVERFLOW,
            "divmod", DIVIDE | OVERFLOW,
            "remainder", DIVIDE,
            "fmod", DIVIDE,
            "reciprocal", DIVIDE | INVALID);
    /** Routines that tell of errors themselves. */
    private static final Map<String, Integer> OF_ROUTINES = Map.of(
            "matmul", OVERFLOW | INVALID,
            "add.at", OVERFLOW | INVALID,
            "subtract.at", OVERFLOW | INVALID,
            "multiply.at", OVERFLOW | INVALID,
            "add.reduceat", OVERFLOW | INVALID,
            "multiply.reduceat", OVERFLOW | INVALID);

    private static final Set<String> POLES = Set.of("log", "log2", "log10", "log1p", "arctanh");
    /** What raises a flag where NumPy reports an error, and nowhere else. */
    private static final Set<String> PLAIN = Set.of(
            "add",
            "subtract",
            "multiply",
            "square",
            "divide",
            "reciprocal",
            "sqrt",
            "negative",
            "absolute",
            "fabs",
            "positive",
            "copyto",
            "where",
            "equal",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "logical_and",
            "logical_or",
            "logical_not",
            "add.reduce",
            "multiply.reduce");

    private static final Set<String> PLAIN_COMPLEX = Set.of(
            "add",
            "subtract",
            "multiply",
            "square",
            "divide",
            "reciprocal",
            "negative",
            "positive",
            "copyto",
            "where",
            "equal",
            "not_equal");

    /** An input or output of an instruction, before and after the cast that comes with it. */
    public record Conversion(DType from, int before, DType to, int after) {}

    /** That some element's operation had an error of a kind: a BOOL node. */
    public record Condition(int kind, int node) {}

    private FloatingPointRules() {}

    /** The kinds the operation itself can have, casts of its operands aside. */
    public static int kinds(Operation operation) {
        DType first =
                operation.inputs().isEmpty() ? DType.BOOL : operation.inputs().get(0);
        DType result = operation.outputs().get(0);
        return switch (operation.kind()) {
            case Operation.Kind.Elementwise elementwise -> {
                if (first.isComplex()) {
                    yield result.isComplex() ? ComplexErrors.kinds(operation.name()) : 0;
                }
                if (operation.name().equals("spacing")) {
                    yield result == DType.FLOAT16 ? INVALID : 0;
                }
                yield isFloating(result)
                        ? SmallPowers.errors(operation.name()).orElse(OF_FLOATS.getOrDefault(operation.name(), 0))
                        : OF_INTEGERS.getOrDefault(operation.name(), 0);
            }
            case Operation.Kind.Fold fold ->
                // A product's unused lanes may meet infinity times zero.
                switch (operation.name()) {
                    case "add.reduce" -> isInexact(result) ? OVERFLOW | INVALID : 0;
                    case "multiply.reduce" -> isInexact(result) ? OVERFLOW : 0;
                    default -> 0;
                };
            case Operation.Kind.Scan scan ->
                isInexact(result) && (scan.reduction() == Reduction.SUM || scan.reduction() == Reduction.PRODUCT)
                        ? OVERFLOW | INVALID
                        : 0;
            case Operation.Kind.Routine routine -> OF_ROUTINES.getOrDefault(operation.name(), 0);
        };
    }

    /** The kinds a cast can have. */
    public static int kinds(DType from, DType to) {
        if (from == to || to == DType.BOOL || from == DType.BOOL) {
            return 0;
        }
        if (isInexact(from) && isInexact(to)) {
            return bytes(to) < bytes(from) ? OVERFLOW : 0;
        }
        if (isInexact(from)) {
            return INVALID;
        }
        return to == DType.FLOAT16 && bytes(from) > 1 ? OVERFLOW : 0;
    }

    /**
     * The {@link FloatingPointFlags} one of which announces an error of a kind; {@code UNKNOWN} if none does.
     */
    public static int flags(Operation operation, int kind) {
        DType result = operation.outputs().get(0);
        boolean narrow = kind == OVERFLOW && !isInexact(result) && result.bytes() < Integer.BYTES;
        if (narrow || operation.name().equals("spacing")) {
            // The wider quotient in which a narrow one is computed does not overflow; spacing is made of bits.
            return FloatingPointFlags.UNKNOWN;
        }
        if (!isInexact(result) && kind != INVALID) {
            return FloatingPointFlags.ALL;
        }
        return switch (kind) {
            case DIVIDE -> FloatingPointFlags.DIVIDE | FloatingPointFlags.INVALID;
            case OVERFLOW -> FloatingPointFlags.OVERFLOW;
            default -> FloatingPointFlags.INVALID | FloatingPointFlags.OVERFLOW;
        };
    }

    /** Whether the flags of a kernel with such an operation say exactly what NumPy reports. */
    public static boolean isPlain(Operation operation) {
        if (!PLAIN.contains(operation.name())) {
            return false;
        }
        return operation.name().endsWith(".reduce")
                || !operation.inputs().getFirst().isComplex()
                || PLAIN_COMPLEX.contains(operation.name());
    }

    public static boolean isFloating(DType type) {
        return type == DType.FLOAT16 || type == DType.FLOAT32 || type == DType.FLOAT64;
    }

    static boolean isInexact(DType type) {
        return isFloating(type) || type.isComplex();
    }

    /** Of a number, or of a part of a complex one. */
    private static int bytes(DType type) {
        return Casts.storage(type).bytes();
    }

    /** Conditions of the kinds that {@link #kinds(Operation)} names. */
    public static List<Condition> conditions(
            KernelBuilder builder, Operation operation, List<Value> inputs, List<Value> results) {
        int kinds = kinds(operation);
        if (kinds == 0) {
            return List.of();
        }
        if (operation.inputs().getFirst().isComplex()) {
            return ComplexErrors.conditions(
                    operation.name(),
                    inputs.stream().map(value -> ComplexTerm.of(builder, value)).toList());
        }
        List<Term> in =
                inputs.stream().map(value -> new Term(builder, value.real())).toList();
        return isFloating(operation.outputs().get(0))
                ? ofFloats(builder, operation, kinds, in, results)
                : ofIntegers(operation, in);
    }

    private static List<Condition> ofFloats(
            KernelBuilder builder, Operation operation, int kinds, List<Term> in, List<Value> results) {
        Term x = in.get(0);
        Term last = in.get(in.size() - 1);
        Term y = last.type().isFloating() ? last : x;
        Term finite = x.isFinite().and(y.isFinite());
        Term isNan = x.truth(false);
        for (int index = 0; index < results.size(); index++) {
            int node = results.get(index).real();
            boolean half = operation.outputs().get(index) == DType.FLOAT16;
            isNan = isNan.or(new Term(builder, half ? builder.roundToHalf(node) : node).isNan());
        }
        Term invalid = isNan.and(x.isNan().or(y.isNan()).not());
        int first = results.get(0).real();
        Term result =
                new Term(builder, operation.outputs().get(0) == DType.FLOAT16 ? builder.roundToHalf(first) : first);
        Term overflow = result.isInfinite().and(finite);
        Term divide = x.truth(false);
        String name = operation.name();
        switch (name) {
            case "divide" -> {
                divide = overflow.and(y.isZero());
                overflow = overflow.and(y.isZero().not());
            }
            case "reciprocal" -> {
                divide = x.isZero();
                overflow = overflow.and(x.isZero().not());
            }
            case "power", "float_power" -> {
                divide = overflow.and(x.isZero());
                overflow = overflow.and(x.isZero().not());
            }
            case "floor_divide", "divmod" -> {
                divide = finite.and(y.isZero()).and(x.isZero().not());
                overflow = x.over(y).isInfinite().and(finite).and(y.isZero().not());
                invalid = invalid.or(overflow);
            }
            case "spacing" -> invalid = x.isFinite().not();
            default -> {
                if (POLES.contains(name)) {
                    divide = overflow;
                } else if (SmallPowers.errors(name).isPresent()) {
                    divide = overflow.and(x.isZero());
                    overflow = overflow.and(x.isZero().not());
                }
            }
        }
        return list(kinds, divide, overflow, invalid);
    }

    private static List<Condition> ofIntegers(Operation operation, List<Term> in) {
        String name = operation.name();
        Term x = in.get(0);
        if (name.equals("reciprocal")) {
            return list(DIVIDE | INVALID, x.isZero(), x.truth(false), x.isZero());
        }
        Term y = in.get(1);
        boolean signed = x.type().kind() == ElementType.Kind.SIGNED;
        Term smallest = x.bits(-1L << 8 * operation.inputs().getFirst().bytes() - 1);
        Term overflow = signed ? x.equal(smallest).and(y.equal(y.number(-1))) : x.truth(false);
        boolean quotient = name.equals("floor_divide") || name.equals("divmod");
        return list(quotient ? DIVIDE | OVERFLOW : DIVIDE, y.isZero(), overflow, x.truth(false));
    }

    static List<Condition> list(int kinds, Term divide, Term overflow, Term invalid) {
        List<Condition> conditions = new ArrayList<>();
        if ((kinds & DIVIDE) != 0) {
            conditions.add(new Condition(DIVIDE, divide.node()));
        }
        if ((kinds & OVERFLOW) != 0) {
            conditions.add(new Condition(OVERFLOW, overflow.node()));
        }
        if ((kinds & INVALID) != 0) {
            conditions.add(new Condition(INVALID, invalid.node()));
        }
        return conditions;
    }

    /** The condition of the kind that {@link #kinds(DType, DType)} names; empty if that is none. */
    public static List<Condition> conditions(KernelBuilder builder, Conversion conversion) {
        int kind = kinds(conversion.from(), conversion.to());
        if (kind == 0) {
            return List.of();
        }
        Term before = new Term(builder, conversion.before());
        if (kind == OVERFLOW) {
            Term infinite = new Term(builder, conversion.after()).isInfinite();
            Term overflow = isInexact(conversion.from()) ? infinite.and(before.isFinite()) : infinite;
            return List.of(new Condition(OVERFLOW, overflow.node()));
        }
        Term wide = before.cast(ElementType.FLOAT64);
        Term inside =
                wide.greater(wide.number(lowest(conversion.to()))).and(wide.less(wide.number(limit(conversion.to()))));
        return List.of(new Condition(INVALID, inside.not().node()));
    }

    /** Processors convert to 32 or 64 bits, and cut off what is too long without telling. */
    private static double lowest(DType type) {
        return switch (type) {
            case INT64, UINT64 -> Math.nextDown(-0x1p63);
            default -> -0x1p31 - 1;
        };
    }

    private static double limit(DType type) {
        return switch (type) {
            case INT64 -> 0x1p63;
            case UINT64 -> 0x1p64;
            case UINT32 -> 0x1p32;
            default -> 0x1p31;
        };
    }
}
