package io.maniple.server.engine;

import static io.maniple.server.engine.DeviceGrids.address;
import static io.maniple.server.engine.DeviceGrids.bytes;
import static io.maniple.server.engine.DeviceGrids.reads;
import static io.maniple.server.engine.DeviceGrids.words;
import static io.maniple.server.engine.DeviceGrids.writes;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.cuda.CountSource;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.RoutineSource;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.plan.MatrixLayout;
import io.maniple.server.plan.Plan;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The operations beyond fused loops that a device has kernels for. */
final class DeviceRoutines {
    private static final BigInteger MODULUS = BigInteger.ONE.shiftLeft(128);
    private static final BigInteger WORD = BigInteger.ONE.shiftLeft(64);

    private final DeviceProperties properties;
    private final DeviceGrids grids;
    private final DeviceSelections selections;
    private final DeviceCounts counts;
    private final DeviceTransforms transforms;

    DeviceRoutines(DeviceProperties properties) {
        this.properties = properties;
        this.grids = new DeviceGrids(properties);
        this.selections = new DeviceSelections(grids);
        this.counts = new DeviceCounts(grids);
        this.transforms = new DeviceTransforms(grids);
    }

    /** @return empty where the processor has to do it */
    Optional<DeviceRoutine> of(Plan.RoutineStep step) {
        Instruction instruction = step.instruction();
        if (instruction.view(0).layout().elements() == 0) {
            return Optional.empty();
        }
        return switch (step.operation().kind()) {
            case Operation.Kind.Scan scan -> scan(scan.reduction(), instruction);
            case Operation.Kind.Routine _ ->
                switch (step.operation().name()) {
                    case "take" -> take(instruction);
                    case "matmul" -> matmul(instruction);
                    case "random.pcg64" -> random(instruction, false);
                    case "random.pcg64dxsm" -> random(instruction, true);
                    case "sort" -> sort(instruction, false);
                    case "argsort" -> sort(instruction, true);
                    case "partition" -> partition(instruction);
                    case "compress" -> selections.compress(instruction);
                    case "place" -> selections.place(instruction);
                    case "put" -> selections.put(instruction);
                    case "searchsorted" -> counts.search(instruction);
                    case "bincount" -> counts.bincount(instruction);
                    case "histogram" -> counts.histogram(instruction);
                    case "fft.complex" -> transforms.complex(instruction);
                    case "fft.from_real" -> transforms.fromReal(instruction);
                    case "fft.to_real" -> transforms.toReal(instruction);
                    case "subtract.at" -> counts.update(instruction, Reduction.SUM, true);
                    case String name when name.endsWith(".at") -> counts.update(instruction, reduction(name), false);
                    case String name when name.endsWith(".reduceat") -> counts.segments(instruction, reduction(name));
                    default -> Optional.empty();
                };
            case Operation.Kind.Elementwise _, Operation.Kind.Fold _ -> Optional.empty();
        };
    }

    /** Of the operation before the dot. */
    private static Reduction reduction(String name) {
        return switch (name.substring(0, name.indexOf('.'))) {
            case "add" -> Reduction.SUM;
            case "multiply" -> Reduction.PRODUCT;
            case "minimum" -> Reduction.MINIMUM;
            case "maximum" -> Reduction.MAXIMUM;
            default -> throw new IllegalArgumentException("no reduction: " + name);
        };
    }

    /** Operands: out, in, index…. */
    private Optional<DeviceRoutine> take(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        if (!DeviceGrids.Indexed.suits(instruction, in.layout())) {
            return Optional.empty();
        }
        DeviceGrids.Indexed indexed = DeviceGrids.Indexed.of(instruction, in);
        int dimensions = indexed.dimensions();
        long units = indexed.run();
        KernelText text = RoutineSource.take(indexed.unitBytes(), dimensions);
        List<DeviceMemory.Use> uses = new ArrayList<>(List.of(writes(out), reads(in)));
        uses.addAll(indexed.uses());
        long count = instruction.view(2).layout().elements();
        return Optional.of(new DeviceGrids.Made(List.of(text), uses, (device, addresses, scalars, report) -> {
            long bad = DeviceGrids.clearWord(device);
            long[] box = new long[5 + 3 * dimensions];
            box[0] = address(out, addresses);
            box[1] = address(in, addresses);
            box[2] = count;
            box[3] = units;
            box[4] = bad;
            indexed.describe(box, 5, units, addresses);
            device.launch(text, grids.grid(count * units), words(box));
            // An index out of range is an error, which the processor tells of.
            return device.word(bad) == 0;
        }));
    }

    /** Operands: out, left, right; stacks whose matrices lie at one distance. A result that is not finite is looked at here. */
    private Optional<DeviceRoutine> matmul(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View left = instruction.view(1);
        Operand.View right = instruction.view(2);
        long leftStep = step(left.layout());
        long rightStep = step(right.layout());
        int row = out.layout().rank() - 2;
        long depth = left.layout().size(row + 1);
        if (!properties.products() || leftStep < 0 || rightStep < 0 || depth == 0) {
            return Optional.empty();
        }
        Product.Type type = Product.Type.valueOf(out.layout().type().name());
        long rows = out.layout().size(row);
        long columns = out.layout().size(row + 1);
        KernelText text = RoutineSource.notFinite(type.partBytes());
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(left), reads(right));
        return Optional.of(new DeviceGrids.Made(List.of(text), uses, (device, addresses, scalars, report) -> {
            Product product = new Product(
                    type,
                    !MatrixLayout.isRowMajor(left.layout()),
                    !MatrixLayout.isRowMajor(right.layout()),
                    rows,
                    columns,
                    depth,
                    address(left, addresses),
                    MatrixLayout.leading(left.layout()),
                    leftStep,
                    address(right, addresses),
                    MatrixLayout.leading(right.layout()),
                    rightStep,
                    address(out, addresses),
                    out.layout().elements() / (rows * columns));
            if (!device.multiply(product)) {
                return false;
            }
            long bad = DeviceGrids.clearWord(device);
            long numbers = bytes(out.layout()) / type.partBytes();
            device.launch(text, grids.grid(numbers), words(product.target(), numbers, bad));
            // Infinities and NaN have warnings, which the processor tells of.
            return device.word(bad) == 0;
        }));
    }

    /** Elements from one matrix of a stack to the next; -1 if they lie at several distances. */
    private static long step(Layout stack) {
        long step = 0;
        long count = 1;
        for (int dimension = stack.rank() - 3; dimension >= 0; dimension--) {
            if (stack.size(dimension) == 1) {
                continue;
            }
            long stride = stack.stride(dimension) / stack.type().bytes();
            if (stride < 0 || count > 1 && stride != step * count) {
                return -1;
            }
            step = count == 1 ? stride : step;
            count *= stack.size(dimension);
        }
        return step;
    }

    private Optional<DeviceRoutine> scan(Reduction reduction, Instruction instruction) {
        Operand.View view = instruction.view(0);
        Operand.ScalarOperand axisOperand =
                (Operand.ScalarOperand) instruction.operands().getLast();
        Layout layout = view.layout();
        ElementType type = Casts.storage(layout.type());
        if (type == ElementType.BOOL) {
            return Optional.empty();
        }
        int threads = properties.blockThreads();
        KernelText lines = RoutineSource.scan(reduction, type, threads);
        KernelText totals = RoutineSource.scanTotals(reduction, type, threads);
        KernelText before = RoutineSource.scanBefore(reduction, type, threads);
        KernelText rows = RoutineSource.scanRows(reduction, type, threads);
        DeviceMemory.Use use = new DeviceMemory.Use(view.buffer(), true, true, 0);
        return Optional.of(new DeviceGrids.Made(
                List.of(lines, totals, before, rows), List.of(use), (device, addresses, scalars, report) -> {
                    long axis = Scalars.integer(scalars.get(axisOperand.position()));
                    if (axis < 0 || axis >= layout.rank()) {
                        return false;
                    }
                    int parts = layout.type().isComplex() ? 2 : 1;
                    long length = layout.size((int) axis);
                    long inner = parts;
                    for (int dimension = (int) axis + 1; dimension < layout.rank(); dimension++) {
                        inner *= layout.size(dimension);
                    }
                    long outer = layout.elements() * parts / length / inner;
                    long first = address(view, addresses);
                    if (inner > 2) {
                        device.launch(rows, grids.grid(outer * inner), words(first, outer, length, inner, report));
                        return true;
                    }
                    long all = outer * inner;
                    long blocks = (length + RoutineSource.SCANNED - 1) / RoutineSource.SCANNED;
                    long sums = 0;
                    if (blocks > 1) {
                        sums = device.scratch(all * blocks * type.computed().bytes());
                        device.launch(
                                totals,
                                grids.blocks(all * (blocks - 1)),
                                words(first, all, length, inner, blocks, sums));
                        device.launch(before, grids.grid(all), words(all, blocks, sums));
                    }
                    device.launch(
                            lines, grids.blocks(all * blocks), words(first, all, length, inner, blocks, sums, report));
                    return true;
                }));
    }

    /** Operands: out, consumed; state…, width, held, half, low, range. */
    private Optional<DeviceRoutine> random(Instruction instruction, boolean dxsm) {
        Operand.View out = instruction.view(0);
        Operand.View consumed = instruction.view(1);
        if (out.layout().type() != DType.FLOAT64) {
            return Optional.empty();
        }
        KernelText text = RoutineSource.pcg64(dxsm);
        long count = out.layout().elements();
        List<DeviceMemory.Use> uses = List.of(writes(out), writes(consumed));
        return Optional.of(new DeviceGrids.Made(List.of(text), uses, (device, addresses, scalars, report) -> {
            long[] numbers = new long[RandomWords.STATE + 5];
            for (int index = 0; index < numbers.length; index++) {
                Operand.ScalarOperand scalar =
                        (Operand.ScalarOperand) instruction.operands().get(2 + index);
                numbers[index] = Scalars.integer(scalars.get(scalar.position()));
            }
            if (numbers[RandomWords.STATE] != Long.SIZE) {
                return false;
            }
            BigInteger multiplier =
                    dxsm ? wide(0, 0xda942042e4dd58b5L) : wide(2549297995355413924L, 4865540595714422341L);
            Driver.Grid grid = grids.grid(count);
            List<Long> box = new ArrayList<>(List.of(
                    address(out, addresses),
                    count,
                    address(consumed, addresses),
                    numbers[RandomWords.STATE + 3],
                    numbers[RandomWords.STATE + 4],
                    numbers[0],
                    numbers[1]));
            BigInteger increment = wide(numbers[2], numbers[3]);
            BigInteger[] jump = {multiplier, increment};
            for (int power = 0; power < RoutineSource.JUMPS; power++) {
                add(box, jump);
                jump = then(jump, jump);
            }
            add(box, steps(multiplier, increment, (long) grid.blocksX() * grid.threadsX()));
            device.launch(
                    text, grid, words(box.stream().mapToLong(Long::longValue).toArray()));
            return true;
        }));
    }

    private static BigInteger wide(long high, long low) {
        return unsigned(high).shiftLeft(64).or(unsigned(low));
    }

    private static BigInteger unsigned(long word) {
        return BigInteger.valueOf(word).mod(WORD);
    }

    private static void add(List<Long> box, BigInteger[] step) {
        for (BigInteger number : step) {
            box.add(number.shiftRight(64).longValue());
            box.add(number.longValue());
        }
    }

    /** x → m x + i twice: the second behind the first. */
    private static BigInteger[] then(BigInteger[] first, BigInteger[] second) {
        return new BigInteger[] {
            first[0].multiply(second[0]).mod(MODULUS),
            first[1].multiply(second[0]).add(second[1]).mod(MODULUS)
        };
    }

    private static BigInteger[] steps(BigInteger multiplier, BigInteger increment, long count) {
        BigInteger[] all = {BigInteger.ONE, BigInteger.ZERO};
        BigInteger[] power = {multiplier, increment};
        for (long left = count; left != 0; left >>>= 1) {
            if ((left & 1) != 0) {
                all = then(all, power);
            }
            power = then(power, power);
        }
        return all;
    }

    /** Operands: out, in, positions: sorted rows are partitioned ones. */
    private Optional<DeviceRoutine> partition(Instruction instruction) {
        Operand.View positions = instruction.view(2);
        Layout layout = instruction.view(1).layout();
        DeviceRoutine sort = sort(instruction, false).orElse(null);
        if (sort == null) {
            return Optional.empty();
        }
        KernelText places = CountSource.places();
        long count = positions.layout().elements();
        List<KernelText> texts = new ArrayList<>(sort.texts());
        texts.add(places);
        List<DeviceMemory.Use> uses = new ArrayList<>(sort.uses());
        uses.add(reads(positions));
        return Optional.of(new DeviceGrids.Made(texts, uses, (device, addresses, scalars, report) -> {
            long bad = DeviceGrids.clearWord(device);
            device.launch(
                    places,
                    grids.grid(count),
                    words(
                            device.scratch(Long.BYTES * count),
                            address(positions, addresses),
                            count,
                            layout.size(layout.rank() - 1),
                            0,
                            bad));
            return device.word(bad) == 0 && sort.run(device, addresses, scalars, report);
        }));
    }

    /** Operands: out, in; rows along the last dimension. */
    private Optional<DeviceRoutine> sort(Instruction instruction, boolean indices) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        Layout layout = in.layout();
        if (layout.type().isComplex()
                || layout.rank() == 0
                || layout.elements() != out.layout().elements()) {
            return Optional.empty();
        }
        ElementType type = Casts.storage(layout.type());
        DeviceSort sort = new DeviceSort(grids, type, indices);
        long length = layout.size(layout.rank() - 1);
        long rows = layout.elements() / length;
        return Optional.of(new DeviceGrids.Made(
                sort.texts(), List.of(writes(out), reads(in)), (device, addresses, scalars, report) -> {
                    long target = address(out, addresses);
                    long[] keys = {0, 0};
                    long[] places = {0, 0};
                    // The last pass has to end in the output.
                    int last = DeviceSort.last(length);
                    long keyBytes = layout.elements() * type.bytes();
                    keys[1 - last] = device.scratch(keyBytes);
                    keys[last] = indices ? device.scratch(keyBytes) : target;
                    if (indices) {
                        places[last] = target;
                        places[1 - last] = device.scratch(layout.elements() * Long.BYTES);
                    }
                    sort.run(device, address(in, addresses), keys, places, rows, length);
                    return true;
                }));
    }
}
