package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.kernels.ir.SortCode;
import io.maniple.kernels.x86.X86Compiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sorting and searching against a stable sort of objects, by type, length and kind of data. */
class TestSorting {
    private static final int[] LENGTHS = {1, 2, 3, 15, 16, 17, 255, 256, 257, 65_535, 65_536, 65_537};
    private static final int LONGEST = 1_000_000;
    private static final int[] THREADS = {1, 2, 7};

    /** One element: its bytes, and NumPy's order of them written down as NumPy has it. */
    private record Element(DType type, long low, long high) {
        private double part(long bits) {
            return switch (type) {
                case FLOAT16 -> Float.float16ToFloat((short) bits);
                case FLOAT32, COMPLEX64 -> Float.intBitsToFloat((int) bits);
                case FLOAT64, COMPLEX128 -> Double.longBitsToDouble(bits);
                case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 ->
                    throw new IllegalStateException("an integer");
            };
        }

        private boolean before(Element other) {
            return switch (type) {
                case BOOL, UINT8, UINT16, UINT32, UINT64 -> Long.compareUnsigned(low, other.low) < 0;
                case INT8, INT16, INT32, INT64 -> low < other.low;
                case FLOAT16, FLOAT32, FLOAT64 -> less(part(low), part(other.low));
                case COMPLEX64, COMPLEX128 -> lessComplex(other);
            };
        }

        private static boolean less(double left, double right) {
            return left < right || (Double.isNaN(right) && !Double.isNaN(left));
        }

        private boolean lessComplex(Element other) {
            double re = part(low);
            double im = part(high);
            double otherRe = part(other.low);
            double otherIm = part(other.high);
            if (re < otherRe) {
                return !Double.isNaN(im) || Double.isNaN(otherIm);
            }
            if (re > otherRe) {
                return Double.isNaN(otherIm) && !Double.isNaN(im);
            }
            if (re == otherRe || (Double.isNaN(re) && Double.isNaN(otherRe))) {
                return less(im, otherIm);
            }
            return Double.isNaN(otherRe);
        }

        static int compare(Element left, Element right) {
            return left.before(right) ? -1 : right.before(left) ? 1 : 0;
        }

        private boolean isNaN() {
            return switch (type) {
                case FLOAT16, FLOAT32, FLOAT64 -> Double.isNaN(part(low));
                case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, COMPLEX64, COMPLEX128 -> false;
            };
        }
    }

    private static long special(DType type, Random random) {
        long[] words = switch (type) {
            case FLOAT16 -> new long[] {0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0xfe01, 1, 0x8001, 0x3c00, 0xbc00};
            case FLOAT32, COMPLEX64 ->
                new long[] {0, 0x80000000L, 0x7f800000, 0xff800000L, 0x7fc00000, 0xffc00001L, 1, 0x80000001L, 0x3f800000
                };
            case FLOAT64, COMPLEX128 ->
                new long[] {
                    0, Long.MIN_VALUE, 0x7ff0L << 48, 0xfff0L << 48, 0x7ff8L << 48, (0xfff8L << 48) + 1, 1, 0x3ffL << 52
                };
            case BOOL -> new long[] {0, 1};
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 ->
                new long[] {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 3};
        };
        return words[random.nextInt(words.length)];
    }

    private static long narrowed(DType type, long word) {
        return switch (type) {
            case BOOL -> word & 1;
            case INT8 -> (byte) word;
            case UINT8 -> word & 0xff;
            case INT16 -> (short) word;
            case UINT16, FLOAT16 -> word & 0xffff;
            case INT32 -> (int) word;
            case UINT32, FLOAT32, COMPLEX64 -> word & 0xffff_ffffL;
            case INT64, UINT64, FLOAT64, COMPLEX128 -> word;
        };
    }

    private enum Data {
        RANDOM,
        SPECIAL,
        FEW,
        CONSTANT,
        /** Most of it equal, the rest on both sides, too rare for a sample. */
        OUTLIERS,
        /** Of all magnitudes. */
        SKEWED,
        SORTED,
        REVERSED
    }

    /** Long rows take their time: of one length each kind of data, of the others what is hardest. */
    private static List<Data> kinds(int length) {
        return length < 1_000 || length == 65_536 ? List.of(Data.values()) : List.of(Data.SPECIAL);
    }

    private static Element[] elements(DType type, int length, Data data, Random random) {
        Element[] elements = new Element[length];
        for (int index = 0; index < length; index++) {
            long low = switch (data) {
                case RANDOM, SORTED, REVERSED -> random.nextLong();
                case SPECIAL -> random.nextInt(3) == 0 ? random.nextLong() : special(type, random);
                case FEW -> random.nextInt(4);
                case CONSTANT -> 3;
                case OUTLIERS -> random.nextInt(10_000) == 0 ? random.nextLong() : 3;
                case SKEWED -> random.nextLong() >> random.nextInt(Long.SIZE);
            };
            long high = data == Data.SPECIAL ? special(type, random) : random.nextInt(3);
            elements[index] = new Element(type, narrowed(type, low), type.isComplex() ? narrowed(type, high) : 0);
        }
        if (data == Data.SORTED || data == Data.REVERSED) {
            Comparator<Element> order = Element::compare;
            Arrays.sort(elements, data == Data.SORTED ? order : order.reversed());
        }
        return elements;
    }

    /** Operands as buffers of their own, and memory on request. */
    private static final class Operands implements Memory {
        private final Arena arena = Arena.ofShared();
        private final List<MemorySegment> buffers = new ArrayList<>();
        private final List<Operand> operands = new ArrayList<>();
        private final List<Scalar> scalars = new ArrayList<>();

        MemorySegment add(DType type, long... shape) {
            Layout layout = Layout.contiguous(type, shape);
            MemorySegment buffer = arena.allocate(Math.max(1, layout.elements() * type.bytes()), 64);
            operands.add(new Operand.View(buffers.size(), layout, 0));
            buffers.add(buffer);
            return buffer;
        }

        void scalar(long value) {
            operands.add(new Operand.ScalarOperand(scalars.size(), DType.INT64));
            scalars.add(Scalar.newBuilder().setLow(value).build());
        }

        void run(Map<String, RoutineCode> routines, String name) {
            RoutineCode code = Objects.requireNonNull(routines.get(name));
            code.run(new RoutineCall(new Instruction(1, operands, 0), scalars, this, null));
        }

        @Override
        public long address(int buffer) {
            return buffers.get(buffer).address();
        }

        @Override
        public Scratch scratch(long bytes) {
            // Lives as long as the operands.
            long address = arena.allocate(Math.max(1, bytes), 64).address();
            return new Scratch() {
                @Override
                public long address() {
                    return address;
                }

                @Override
                public void close() {}
            };
        }

        void close() {
            arena.close();
        }
    }

    private static void write(MemorySegment buffer, DType type, Element[] elements) {
        int part = type.isComplex() ? type.bytes() / 2 : type.bytes();
        for (int index = 0; index < elements.length; index++) {
            long at = (long) index * type.bytes();
            word(buffer, at, part, elements[index].low());
            if (type.isComplex()) {
                word(buffer, at + part, part, elements[index].high());
            }
        }
    }

    private static void word(MemorySegment buffer, long at, int bytes, long word) {
        switch (bytes) {
            case 1 -> buffer.set(ValueLayout.JAVA_BYTE, at, (byte) word);
            case 2 -> buffer.set(ValueLayout.JAVA_SHORT, at, (short) word);
            case 4 -> buffer.set(ValueLayout.JAVA_INT, at, (int) word);
            case 8 -> buffer.set(ValueLayout.JAVA_LONG, at, word);
            default -> throw new IllegalArgumentException(bytes + " bytes");
        }
    }

    private static final Compilers NONE = new Compilers(List.of());
    private static final Compilers VECTOR =
            new Compilers(X86Compiler.avx512().map(List::of).orElse(List.of()));

    /** By both kinds of code, which agree. */
    private static byte[] sorted(Workers workers, DType type, Element[] elements, String name, DType result) {
        byte[] plain = sorted(workers, NONE, type, elements, name, result);
        assertThat(sorted(workers, VECTOR, type, elements, name, result)).isEqualTo(plain);
        return plain;
    }

    private static byte[] sorted(
            Workers workers, Compilers compilers, DType type, Element[] elements, String name, DType result) {
        Operands operands = new Operands();
        try {
            MemorySegment out = operands.add(result, elements.length);
            write(operands.add(type, elements.length), type, elements);
            operands.run(new Sorting(workers, compilers).routines(), name);
            return out.toArray(ValueLayout.JAVA_BYTE);
        } finally {
            operands.close();
        }
    }

    private static byte[] bytes(DType type, Element[] elements) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate((long) elements.length * type.bytes(), 64);
            write(buffer, type, elements);
            return buffer.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void check(Workers workers, DType type, Element[] elements, String what) {
        Integer[] order = new Integer[elements.length];
        Arrays.setAll(order, index -> index);
        Arrays.sort(order, (left, right) -> Element.compare(elements[left], elements[right]));
        Element[] expected = new Element[elements.length];
        long[] positions = new long[elements.length];
        for (int index = 0; index < order.length; index++) {
            expected[index] = elements[order[index]];
            positions[index] = order[index];
        }
        // NaN of different bits may stand in any order: by their bits, here.
        int numbers = 0;
        while (numbers < expected.length && !expected[numbers].isNaN()) {
            numbers++;
        }
        byte[] got = sorted(workers, type, elements, "sort", type);
        byte[] want = bytes(type, expected);
        int compared = numbers * type.bytes();
        assertThat(Arrays.equals(got, 0, compared, want, 0, compared)).as(what).isTrue();
        assertThat(sum(got)).as(what).isEqualTo(sum(want));
        byte[] indices = sorted(workers, type, elements, "argsort", DType.INT64);
        assertThat(MemorySegment.ofArray(indices).toArray(ValueLayout.JAVA_LONG_UNALIGNED))
                .as(what)
                .isEqualTo(positions);
    }

    private static long sum(byte[] bytes) {
        long sum = 0;
        for (byte each : bytes) {
            sum += each & 0xff;
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void sortsEveryKindOfRow(DType type) {
        Random random = new Random(1);
        try (Workers workers = new Workers(2)) {
            for (int length : LENGTHS) {
                for (Data data : kinds(length)) {
                    check(workers, type, elements(type, length, data, random), type + " " + length + " " + data);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void doesNotDependOnThreads(DType type) {
        Element[] elements = elements(type, LONGEST, Data.SPECIAL, new Random(2));
        byte[] sorted = null;
        byte[] order = null;
        for (int threads : THREADS) {
            try (Workers workers = new Workers(threads)) {
                byte[] values = sorted(workers, type, elements, "sort", type);
                byte[] indices = sorted(workers, type, elements, "argsort", DType.INT64);
                if (sorted != null) {
                    assertThat(Arrays.equals(values, sorted)).isTrue();
                    assertThat(Arrays.equals(indices, order)).isTrue();
                }
                sorted = values;
                order = indices;
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void partitionsAroundPositions(DType type) {
        Random random = new Random(3);
        try (Workers workers = new Workers(3)) {
            for (int length : LENGTHS) {
                for (Data data : kinds(length)) {
                    Element[] elements = elements(type, length, data, random);
                    partition(workers, type, elements, random.nextInt(length), length - 1);
                    // What a quantile asks for: both ends, and neighbours, the last ones, too.
                    int place = random.nextInt(length);
                    partition(workers, type, elements, 0, place, Math.min(place + 1, length - 1), length - 1);
                    partition(workers, type, elements, Math.max(0, length - 2), 0, length - 1, 0);
                }
            }
        }
    }

    private static void partition(Workers workers, DType type, Element[] elements, long... positions) {
        Operands operands = new Operands();
        try {
            MemorySegment out = operands.add(type, elements.length);
            write(operands.add(type, elements.length), type, elements);
            operands.add(DType.INT64, positions.length).copyFrom(MemorySegment.ofArray(positions));
            operands.run(new Sorting(workers, NONE).routines(), "partition");
            Element[] expected = elements.clone();
            Arrays.sort(expected, Element::compare);
            Element[] found = read(out, type, elements.length);
            for (long position : positions) {
                Element pivot = found[(int) position];
                assertThat(Element.compare(pivot, expected[(int) position])).isZero();
                boolean split = true;
                for (int index = 0; index < found.length; index++) {
                    int order = Element.compare(found[index], pivot);
                    split &= index < position ? order <= 0 : order >= 0;
                }
                assertThat(split).isTrue();
            }
            assertThat(sum(out.toArray(ValueLayout.JAVA_BYTE))).isEqualTo(sum(bytes(type, elements)));
        } finally {
            operands.close();
        }
    }

    private static Element[] read(MemorySegment buffer, DType type, int length) {
        int part = type.isComplex() ? type.bytes() / 2 : type.bytes();
        Element[] elements = new Element[length];
        for (int index = 0; index < length; index++) {
            long at = (long) index * type.bytes();
            long high = type.isComplex() ? narrowed(type, word(buffer, at + part, part)) : 0;
            elements[index] = new Element(type, narrowed(type, word(buffer, at, part)), high);
        }
        return elements;
    }

    private static long word(MemorySegment buffer, long at, int bytes) {
        return switch (bytes) {
            case 1 -> buffer.get(ValueLayout.JAVA_BYTE, at);
            case 2 -> buffer.get(ValueLayout.JAVA_SHORT, at);
            case 4 -> buffer.get(ValueLayout.JAVA_INT, at);
            case 8 -> buffer.get(ValueLayout.JAVA_LONG, at);
            default -> throw new IllegalArgumentException(bytes + " bytes");
        };
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void findsPlaces(DType type) {
        Random random = new Random(4);
        Element[] sorted = elements(type, 257, Data.SPECIAL, random);
        Arrays.sort(sorted, Element::compare);
        Element[] values = elements(type, 999, Data.SPECIAL, random);
        for (int right = 0; right < 2; right++) {
            Operands operands = new Operands();
            try (Workers workers = new Workers(2)) {
                MemorySegment out = operands.add(DType.INT64, values.length);
                write(operands.add(type, sorted.length), type, sorted);
                write(operands.add(type, values.length), type, values);
                operands.scalar(right);
                operands.run(new Searching(workers).routines(), "searchsorted");
                for (int index = 0; index < values.length; index++) {
                    int place = 0;
                    while (place < sorted.length
                            && Element.compare(sorted[place], values[index]) < (right == 1 ? 1 : 0)) {
                        place++;
                    }
                    assertThat(out.getAtIndex(ValueLayout.JAVA_LONG, index)).isEqualTo(place);
                }
            } finally {
                operands.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"OUTLIERS", "SKEWED", "SORTED", "CONSTANT", "SPECIAL"})
    void sortsRowsWithLargeBuckets(Data data) {
        try (Workers workers = new Workers(2)) {
            check(workers, DType.FLOAT64, elements(DType.FLOAT64, LONGEST, data, new Random(6)), data.toString());
        }
    }

    @Test
    void bucketsOfUniformNumbersAreSmallAndInOrder() {
        double[] numbers = new Random(7).doubles(LONGEST).sorted().toArray();
        BucketSort.Source source = (first, count, into) -> {
            for (int index = 0; index < count; index++) {
                into[index] = Double.doubleToRawLongBits(numbers[(int) first + index]);
            }
        };
        Buckets buckets = Buckets.sampled(source, numbers.length, 0);
        long[] counts = new long[buckets.count()];
        int last = 0;
        long[] key = new long[1];
        int[] found = new int[1];
        for (double number : numbers) {
            key[0] = Double.doubleToRawLongBits(number);
            buckets.find(key, 1, found);
            int bucket = found[0];
            assertThat(bucket).isGreaterThanOrEqualTo(last);
            counts[bucket]++;
            last = bucket;
        }
        assertThat(Arrays.stream(counts).max().orElseThrow()).isLessThan(8_192);
    }

    /** Keys in the places that the sample does not look at make bad pivots; long runs of equal keys are parted only once. */
    @Test
    void vectorCodeSortsWhateverTheKeys() {
        assumeTrue(X86Compiler.avx512().isPresent(), "this processor has no AVX-512");
        SortCode code = X86Compiler.avx512().orElseThrow().sorts().orElseThrow();
        Random random = new Random(11);
        List<LongUnaryOperator> kinds = List.of(
                index -> random.nextLong(),
                index -> index,
                index -> -index,
                index -> 7,
                index -> Long.MAX_VALUE,
                index -> random.nextInt(2) == 0 ? Long.MIN_VALUE : Long.MAX_VALUE,
                index -> random.nextInt(5),
                index -> index % 1000 == 0 ? random.nextLong() : 3,
                index -> Long.numberOfTrailingZeros(index + 1));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = arena.allocate(VectorSort.BYTES, 64);
            VectorSort sort = new VectorSort(code, own.address());
            for (int count : new int[] {0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 64, 65, 127, 128, 129, 1000, 70_001}) {
                MemorySegment keys = arena.allocate(8L * count + 64, 8);
                MemorySegment spare = arena.allocate(8L * count + VectorSort.SPARE_BYTES, 8);
                for (LongUnaryOperator kind : kinds) {
                    long[] values = LongStream.range(0, count + 8).map(kind).toArray();
                    MemorySegment.copy(values, 0, keys, ValueLayout.JAVA_LONG, 0, count + 8);
                    sort.sort(keys.address(), count, spare.address());
                    Arrays.sort(values, 0, count);
                    assertThat(keys.asSlice(0, 8L * count + 64).toArray(ValueLayout.JAVA_LONG))
                            .as("%d keys", count)
                            .isEqualTo(values);
                }
            }
        }
    }

    @Test
    void sortsManyRows() {
        long[] values = new Random(5).longs(60 * 1_000).toArray();
        Operands operands = new Operands();
        try (Workers workers = new Workers(7)) {
            MemorySegment out = operands.add(DType.INT64, 60, 1_000);
            operands.add(DType.INT64, 60, 1_000).copyFrom(MemorySegment.ofArray(values));
            operands.run(new Sorting(workers, NONE).routines(), "sort");
            for (int row = 0; row < 60; row++) {
                Arrays.sort(values, row * 1_000, (row + 1) * 1_000);
            }
            assertThat(out.toArray(ValueLayout.JAVA_LONG)).isEqualTo(values);
        } finally {
            operands.close();
        }
    }
}
