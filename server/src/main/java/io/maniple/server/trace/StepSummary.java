package io.maniple.server.trace;

import io.maniple.bridge.program.Operand;
import io.maniple.server.plan.Plan;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What there is to say of a step of a plan, the same each time it runs.
 *
 * @param kind what it is
 * @param name its operations, the most frequent first, for people
 * @param operations how many instructions were fused into it
 * @param elements of its largest loop
 * @param readBytes bytes of arrays that it reads from memory; each once, temporaries that stay in the cache not
 * @param writtenBytes the same of what it writes
 * @param sources numbers of the user's lines in the batch, at most eight, the last instruction's first
 */
public record StepSummary(
        Kind kind, String name, int operations, long elements, long readBytes, long writtenBytes, int[] sources) {
    private static final int NAMED_OPERATIONS = 6;
    private static final int MOST_SOURCES = 8;

    /** What a step is. */
    public enum Kind {
        KERNEL,
        CASCADE,
        ROUTINE;

        /** As it is told. */
        public String text() {
            return switch (this) {
                case KERNEL -> "kernel";
                case CASCADE -> "cascade";
                case ROUTINE -> "routine";
            };
        }
    }

    public long bytes() {
        return readBytes + writtenBytes;
    }

    public static StepSummary of(Plan.Step step) {
        return switch (step) {
            case Plan.KernelStep kernel -> ofKernels(Kind.KERNEL, List.of(kernel), Set.of());
            case Plan.CascadeStep cascade -> {
                Set<Integer> locals = new HashSet<>();
                cascade.locals().forEach(local -> locals.add(local.buffer()));
                yield ofKernels(
                        Kind.CASCADE,
                        cascade.stages().stream().map(Plan.Stage::whole).toList(),
                        locals);
            }
            case Plan.RoutineStep routine -> ofRoutine(routine);
        };
    }

    /** @param locals buffers that stay in the cache */
    private static StepSummary ofKernels(Kind kind, List<Plan.KernelStep> kernels, Set<Integer> locals) {
        Map<String, Integer> operations = new LinkedHashMap<>();
        LinkedHashSet<Integer> sources = new LinkedHashSet<>();
        Map<Integer, Long> read = new HashMap<>();
        Map<Integer, Long> written = new HashMap<>();
        int count = 0;
        long elements = 0;
        for (Plan.KernelStep kernel : kernels.reversed()) {
            for (Plan.Described member : kernel.members().reversed()) {
                sources.add(member.source());
                count++;
            }
        }
        for (Plan.KernelStep kernel : kernels) {
            elements = Math.max(elements, kernel.elements());
            kernel.members().forEach(member -> operations.merge(member.operation(), 1, Integer::sum));
            for (Plan.Binding binding : kernel.bindings()) {
                if (binding.buffer() >= 0 && !locals.contains(binding.buffer())) {
                    long bytes = Math.multiplyExact(
                            touched(kernel.shape(), binding.strides()),
                            binding.storage().bytes());
                    if (binding.loaded()) {
                        read.merge(binding.buffer(), bytes, Math::max);
                    }
                    if (binding.stored()) {
                        written.merge(binding.buffer(), bytes, Math::max);
                    }
                }
            }
            for (Plan.FoldBinding fold : kernel.folds()) {
                if (!locals.contains(fold.buffer())) {
                    long bytes = touched(kernel.shape(), fold.strides())
                            * fold.type().bytes();
                    written.merge(fold.buffer(), bytes, Math::max);
                }
            }
        }
        return new StepSummary(
                kind,
                operations.isEmpty() ? "nothing" : named(operations),
                count,
                elements,
                sum(read),
                sum(written),
                first(sources));
    }

    private static StepSummary ofRoutine(Plan.RoutineStep routine) {
        Map<Integer, Long> read = new HashMap<>();
        Map<Integer, Long> written = new HashMap<>();
        long elements = 0;
        int outputs = routine.operation().outputs().size();
        List<Operand> operands = routine.instruction().operands();
        for (int index = 0; index < operands.size(); index++) {
            if (operands.get(index) instanceof Operand.View view) {
                elements = Math.max(elements, view.layout().elements());
                long bytes = touched(view.layout().shape(), view.layout().strides())
                        * view.layout().type().bytes();
                (index < outputs ? written : read).merge(view.buffer(), bytes, Math::max);
            }
        }
        return new StepSummary(
                Kind.ROUTINE, routine.operation().name(), 1, elements, sum(read), sum(written), new int[] {
                    routine.instruction().source()
                });
    }

    /** Elements that differ: a dimension without a stride shows the same ones again. */
    private static long touched(long[] shape, long[] strides) {
        long elements = 1;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            elements *= shape[dimension] == 0 || strides[dimension] != 0 ? shape[dimension] : 1;
        }
        return elements;
    }

    private static String named(Map<String, Integer> operations) {
        List<String> names = operations.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .limit(NAMED_OPERATIONS)
                .map(entry -> entry.getValue() == 1 ? entry.getKey() : entry.getKey() + " × " + entry.getValue())
                .toList();
        int more = operations.size() - names.size();
        return String.join(", ", names) + (more > 0 ? " and " + more + " more" : "");
    }

    private static long sum(Map<Integer, Long> bytes) {
        return bytes.values().stream().mapToLong(Long::longValue).sum();
    }

    private static int[] first(Set<Integer> sources) {
        return sources.stream()
                .filter(source -> source > 0)
                .mapToInt(Integer::intValue)
                .limit(MOST_SOURCES)
                .toArray();
    }
}
