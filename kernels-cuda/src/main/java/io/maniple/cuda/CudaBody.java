package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import java.util.List;

/** Writes the nodes of a kernel as statements of CUDA C++, one local variable a value. */
final class CudaBody {
    /** What differs between the forms of a kernel: where operands, scalars and the index are found. */
    interface Places {
        /** The address of an operand's element, an expression of type char*. */
        default String address(int operand) {
            return "p" + operand;
        }

        default String scalar(int slot) {
            return "box.scalars[" + slot + "]";
        }

        String index();

        /** The variable that holds the operand instead of memory; empty for memory. */
        default String variable(int operand) {
            return "";
        }

        /** What stands behind a store to a variable; usually nothing. */
        default String stored(Node.Store store) {
            return "";
        }

        /** The statement of a reduction. */
        default String reduce(Node.Reduce reduce) {
            throw new IllegalStateException("a reduction");
        }
    }

    private final Kernel kernel;
    private final Places places;
    private final StringBuilder text = new StringBuilder();

    private CudaBody(Kernel kernel, Places places) {
        this.kernel = kernel;
        this.places = places;
    }

    static String of(Kernel kernel, Places places) {
        CudaBody body = new CudaBody(kernel, places);
        for (int number = 0; number < kernel.nodes().size(); number++) {
            body.node(number, kernel.nodes().get(number));
        }
        return body.text.toString();
    }

    static String name(int value) {
        return "v" + value;
    }

    /** The type of an element in memory. */
    static String memoryType(ElementType type) {
        return switch (type) {
            case BOOL -> "unsigned char";
            case FLOAT16 -> "unsigned short";
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 ->
                CudaExpressions.typeName(type);
        };
    }

    private void line(String line) {
        text.append("        ").append(line).append('\n');
    }

    private void node(int number, Node node) {
        switch (node) {
            case Node.Load load -> value(number, load(load));
            case Node.Scalar scalar -> value(number, bits(places.scalar(scalar.slot()), scalar.type()));
            case Node.Literal literal ->
                value(number, bits("0x" + Long.toHexString(literal.bits()) + "ULL", literal.type()));
            case Node.Index _ -> value(number, places.index());
            case Node.Apply apply -> {
                List<String> arguments =
                        apply.arguments().stream().map(CudaBody::name).toList();
                value(number, CudaExpressions.expression(apply.primitive(), apply.type(), arguments));
            }
            case Node.Cast cast -> value(number, cast(name(cast.value()), cast.from(), cast.type()));
            case Node.Reinterpret again -> value(number, reinterpret(name(again.value()), again.from(), again.type()));
            case Node.Store store -> store(store);
            case Node.Reduce reduce -> line(places.reduce(reduce));
        }
    }

    private void value(int number, String expression) {
        String type = CudaExpressions.typeName(kernel.typeOf(number));
        line("const " + type + " " + name(number) + " = " + expression + ";");
    }

    private String load(Node.Load load) {
        String variable = places.variable(load.operand());
        return variable.isEmpty() ? load(load.storage(), places.address(load.operand())) : variable;
    }

    /** An element of memory as a value. */
    static String load(ElementType storage, String address) {
        return switch (storage) {
            case BOOL -> "*(const unsigned char*) " + address + " != 0";
            case FLOAT16 -> "maniple_half_value(*(const unsigned short*) " + address + ")";
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 ->
                "*(const " + CudaExpressions.typeName(storage) + "*) " + address;
        };
    }

    private void store(Node.Store store) {
        String variable = places.variable(store.operand());
        String value = name(store.value());
        if (!variable.isEmpty()) {
            line(variable + " = " + value + ";" + places.stored(store));
            return;
        }
        String statement = store(store.storage(), places.address(store.operand()), value);
        line((store.mask() < 0 ? "" : "if (" + name(store.mask()) + ") ") + statement);
    }

    /** The statement that writes a value to memory. */
    static String store(ElementType storage, String address, String value) {
        return switch (storage) {
            case BOOL -> "*(unsigned char*) " + address + " = " + value + " ? 1 : 0;";
            case FLOAT16 -> "*(unsigned short*) " + address + " = maniple_half_bits(" + value + ");";
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 ->
                "*(" + CudaExpressions.typeName(storage) + "*) " + address + " = " + value + ";";
        };
    }

    /** A value from its bits, which stand in the lower part of 64. */
    static String bits(String bits, ElementType type) {
        return switch (type) {
            case BOOL -> bits + " != 0";
            case FLOAT16, FLOAT32 -> "__int_as_float((int) " + bits + ")";
            case FLOAT64 -> "__longlong_as_double((long long) " + bits + ")";
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 ->
                "(" + CudaExpressions.typeName(type) + ") " + bits;
        };
    }

    static String cast(String value, ElementType from, ElementType to) {
        String name = CudaExpressions.typeName(to);
        if (to == ElementType.BOOL) {
            return value + " != 0";
        }
        if (!from.isFloating() || to.isFloating()) {
            return "(" + name + ") " + value;
        }
        return switch (to) {
            // By way of 32 bits, of which the lower ones stay.
            case INT8, UINT8, INT16, UINT16, INT32 -> "(" + name + ") maniple_to_int(" + value + ")";
            case UINT64 -> "maniple_to_unsigned(" + value + ")";
            case UINT32, INT64 -> "(" + name + ") maniple_to_long(" + value + ")";
            case BOOL, FLOAT16, FLOAT32, FLOAT64 -> throw new IllegalStateException("done above");
        };
    }

    private static String reinterpret(String value, ElementType from, ElementType to) {
        String name = CudaExpressions.typeName(to);
        if (from.isFloating() == to.isFloating()) {
            return "(" + name + ") " + value;
        }
        boolean wide = from.bytes() == Long.BYTES;
        String function = from.isFloating()
                ? wide ? "__double_as_longlong" : "__float_as_int"
                : wide ? "__longlong_as_double" : "__int_as_float";
        return "(" + name + ") " + function + "(" + value + ")";
    }
}
