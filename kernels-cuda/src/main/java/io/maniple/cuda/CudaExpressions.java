package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import java.util.List;

/** What each primitive is in CUDA C++; the arguments are names or parenthesised expressions of the C types here. */
public final class CudaExpressions {
    /** Goes before the kernels: what no single expression says. */
    public static final String PRELUDE = """
            template <typename T> __device__ inline T maniple_power(T base, T exponent) {
                T power = 1;
                for (; exponent > 0; exponent >>= 1) {
                    if (exponent & 1) power = (T) ((unsigned long long) power * (unsigned long long) base);
                    base = (T) ((unsigned long long) base * (unsigned long long) base);
                }
                return power;
            }
            """;

    private CudaExpressions() {}

    /** The type of a value in registers. */
    public static String typeName(ElementType type) {
        return switch (type) {
            case BOOL -> "bool";
            case INT8 -> "signed char";
            case UINT8 -> "unsigned char";
            case INT16 -> "short";
            case UINT16 -> "unsigned short";
            case INT32 -> "int";
            case UINT32 -> "unsigned int";
            case INT64 -> "long long";
            case UINT64 -> "unsigned long long";
            case FLOAT16, FLOAT32 -> "float";
            case FLOAT64 -> "double";
        };
    }

    /**
     * @param type of the arguments (of SELECT: of the last two)
     * @throws IllegalArgumentException where the primitive has no meaning for the type
     */
    public static String expression(Primitive primitive, ElementType type, List<String> arguments) {
        String x = arguments.getFirst();
        String y = arguments.size() > 1 ? arguments.get(1) : "";
        return switch (primitive) {
            case ADD -> wrapping(type, x, "+", y);
            case SUBTRACT -> wrapping(type, x, "-", y);
            case MULTIPLY -> wrapping(type, x, "*", y);
            case DIVIDE -> floating(primitive, type, "(" + x + " / " + y + ")");
            // A comparison with itself finds the NaN.
            case MINIMUM -> "(" + x + " <= " + y + " || " + x + " != " + x + " ? " + x + " : " + y + ")";
            case MAXIMUM -> "(" + x + " >= " + y + " || " + x + " != " + x + " ? " + x + " : " + y + ")";
            case NEGATE -> type.isFloating() ? "(-" + x + ")" : wrapping(type, "0", "-", x);
            case ABSOLUTE -> absolute(type, x);
            case SQRT -> function(primitive, type, "sqrt", x);
            case FLOOR -> function(primitive, type, "floor", x);
            case CEIL -> function(primitive, type, "ceil", x);
            case TRUNC -> function(primitive, type, "trunc", x);
            case RINT -> function(primitive, type, "rint", x);
            case ROUND_TO_HALF -> floating(primitive, type, "maniple_round_to_half(" + x + ")");
            case FUSED_MULTIPLY_ADD -> function(primitive, type, "fma", x + ", " + y + ", " + arguments.get(2));
            case AND -> whole(primitive, type, "(" + x + " & " + y + ")");
            case OR -> whole(primitive, type, "(" + x + " | " + y + ")");
            case XOR -> whole(primitive, type, "(" + x + " ^ " + y + ")");
            case NOT -> type == ElementType.BOOL ? "(!" + x + ")" : whole(primitive, type, "(~" + x + ")");
            case SHIFT_LEFT -> shift(primitive, type, wide(x) + " << " + y, "0", y);
            case SHIFT_RIGHT -> shift(primitive, type, x + " >> " + y, "(" + x + " < 0 ? -1 : 0)", y);
            case LESS -> "(" + x + " < " + y + ")";
            case LESS_EQUAL -> "(" + x + " <= " + y + ")";
            case EQUAL -> "(" + x + " == " + y + ")";
            case NOT_EQUAL -> "(" + x + " != " + y + ")";
            case SELECT -> "(" + x + " ? " + y + " : " + arguments.get(2) + ")";
            case QUOTIENT -> whole(primitive, type, byZeroOrMinusOne(type, x, "/", y, wrapping(type, "0", "-", x)));
            case REMAINDER -> whole(primitive, type, byZeroOrMinusOne(type, x, "%", y, "0"));
            case INTEGER_POWER -> whole(primitive, type, "maniple_power<" + typeName(type) + ">(" + x + ", " + y + ")");
            case EXP -> function(primitive, type, "exp", x);
            case EXP2 -> function(primitive, type, "exp2", x);
            case EXPM1 -> function(primitive, type, "expm1", x);
            case LOG -> function(primitive, type, "log", x);
            case LOG2 -> function(primitive, type, "log2", x);
            case LOG10 -> function(primitive, type, "log10", x);
            case LOG1P -> function(primitive, type, "log1p", x);
            case SIN -> function(primitive, type, "sin", x);
            case COS -> function(primitive, type, "cos", x);
            case TAN -> function(primitive, type, "tan", x);
            case ASIN -> function(primitive, type, "asin", x);
            case ACOS -> function(primitive, type, "acos", x);
            case ATAN -> function(primitive, type, "atan", x);
            case SINH -> function(primitive, type, "sinh", x);
            case COSH -> function(primitive, type, "cosh", x);
            case TANH -> function(primitive, type, "tanh", x);
            case ASINH -> function(primitive, type, "asinh", x);
            case ACOSH -> function(primitive, type, "acosh", x);
            case ATANH -> function(primitive, type, "atanh", x);
            case CBRT -> function(primitive, type, "cbrt", x);
            case POW -> function(primitive, type, "pow", x + ", " + y);
            case ATAN2 -> function(primitive, type, "atan2", x + ", " + y);
            case HYPOT -> function(primitive, type, "hypot", x + ", " + y);
            case FMOD -> function(primitive, type, "fmod", x + ", " + y);
            case NEXTAFTER -> function(primitive, type, "nextafter", x + ", " + y);
        };
    }

    /** Signed overflow is undefined in C, so whole numbers are computed as unsigned ones and narrowed. */
    private static String wrapping(ElementType type, String x, String operator, String y) {
        return switch (type.kind()) {
            case FLOATING -> "(" + x + " " + operator + " " + y + ")";
            case SIGNED, UNSIGNED -> "((" + typeName(type) + ") (" + wide(x) + " " + operator + " " + wide(y) + "))";
            case BOOL -> throw new IllegalArgumentException("no arithmetic on BOOL: " + operator);
        };
    }

    private static String wide(String x) {
        return "(unsigned long long) " + x;
    }

    private static String absolute(ElementType type, String x) {
        return switch (type.kind()) {
            case FLOATING -> function(Primitive.ABSOLUTE, type, "fabs", x);
            case SIGNED -> "(" + x + " < 0 ? " + wrapping(type, "0", "-", x) + " : " + x + ")";
            case UNSIGNED -> x;
            case BOOL -> throw new IllegalArgumentException("no arithmetic on BOOL: ABSOLUTE");
        };
    }

    /** A negative count is a huge one as an unsigned number. */
    private static String shift(Primitive primitive, ElementType type, String shifted, String beyond, String count) {
        String inRange = wide(count) + " < " + 8 * type.bytes();
        return whole(
                primitive, type, "((" + typeName(type) + ") (" + inRange + " ? " + shifted + " : " + beyond + "))");
    }

    private static String byZeroOrMinusOne(ElementType type, String x, String operator, String y, String byMinusOne) {
        String name = typeName(type);
        String usual = x + " " + operator + " " + y;
        if (type.kind() == ElementType.Kind.SIGNED) {
            usual = y + " == -1 ? " + byMinusOne + " : " + usual;
        }
        return "((" + name + ") (" + y + " == 0 ? 0 : " + usual + "))";
    }

    private static String function(Primitive primitive, ElementType type, String name, String arguments) {
        return floating(primitive, type, name + (type == ElementType.FLOAT64 ? "" : "f") + "(" + arguments + ")");
    }

    private static String floating(Primitive primitive, ElementType type, String expression) {
        if (!type.isFloating()) {
            throw new IllegalArgumentException(primitive + " has no meaning for " + type);
        }
        return expression;
    }

    private static String whole(Primitive primitive, ElementType type, String expression) {
        if (type.isFloating()) {
            throw new IllegalArgumentException(primitive + " has no meaning for " + type);
        }
        return expression;
    }
}
