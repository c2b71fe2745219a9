package io.maniple.server.session;

import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.trace.BatchRecorder;
import io.maniple.server.trace.StepSummary;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What there is to say of a plan's steps and of the buffers it leaves behind. */
final class PlanDescription {
    private final List<StepSummary> steps;
    private final Content[] contents;

    /** @param source number of the user's line in the batch */
    private record Content(String text, int source, boolean written, long elements) {}

    private PlanDescription(List<StepSummary> steps, Content[] contents) {
        this.steps = steps;
        this.contents = contents;
    }

    static PlanDescription of(Plan plan, List<Instruction> instructions, OperationTable table, int buffers) {
        Content[] contents = new Content[buffers];
        for (Instruction instruction : instructions) {
            if (instruction.operation() == Instruction.FREE) {
                continue;
            }
            int outputs = table.byNumber(instruction.operation())
                    .orElseThrow()
                    .outputs()
                    .size();
            for (int index = 0; index < instruction.operands().size(); index++) {
                if (instruction.operands().get(index) instanceof Operand.View view) {
                    Content before = contents[view.buffer()];
                    boolean written = index < outputs;
                    long elements = view.layout().elements();
                    if (before == null
                            || (written && !before.written())
                            || (written == before.written() && elements > before.elements())) {
                        contents[view.buffer()] =
                                new Content(text(view.layout()), instruction.source(), written, elements);
                    }
                }
            }
        }
        return new PlanDescription(plan.steps().stream().map(StepSummary::of).toList(), contents);
    }

    /** As NumPy writes it: "float64 (1000, 500)". */
    private static String text(Layout layout) {
        String sizes = Arrays.stream(layout.shape()).mapToObj(Long::toString).collect(Collectors.joining(", "));
        return layout.type().name().toLowerCase(Locale.ROOT) + " (" + sizes + (layout.rank() == 1 ? ",)" : ")");
    }

    StepSummary step(int index) {
        return steps.get(index);
    }

    /** Notes at the buffers what they hold, after a batch has run. */
    void describe(BatchStructure structure, List<String> sources, SessionMemory memory) {
        for (int number = 0; number < contents.length; number++) {
            Content content = contents[number];
            if (content != null) {
                Buffer buffer = memory.find(structure.handle(number));
                if (buffer != null && (content.written() || buffer.content().isEmpty())) {
                    buffer.describe(content.text(), BatchRecorder.line(sources, content.source()));
                }
            }
        }
    }
}
