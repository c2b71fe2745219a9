package io.maniple.server.trace;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.server.trace.BatchTrace.StepTrace;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestTimeline {
    private static BatchTrace batch(long number, int steps, String source) {
        StepSummary summary = new StepSummary(StepSummary.Kind.KERNEL, "add", 1, 10, 80, 80, new int[] {1});
        List<StepTrace> list = new ArrayList<>();
        for (int step = 0; step < steps; step++) {
            list.add(new StepTrace(summary, List.of(source), 0, 1_500 + 2_000L * step, 1_001, false));
        }
        return new BatchTrace(number, steps, 1_000_000_007L * number, 1_499, true, 1_000_000, list, 0, "");
    }

    @Test
    void keepsTheNewestWithinItsBound() {
        Timeline timeline = new Timeline(10_000);
        for (int number = 1; number <= 1_000; number++) {
            timeline.add(batch(number, 2, "program.py:" + number));
        }
        Timeline.Part part = timeline.after(0, Integer.MAX_VALUE);
        assertThat(part.more()).isFalse();
        assertThat(part.entries()).hasSizeBetween(10, 30);
        assertThat(part.leftOut()).isEqualTo(1_000 - part.entries().size());
        assertThat(part.entries().getLast().number()).isEqualTo(1_000);
        assertThat(timeline.after(1_000, 5).entries()).isEmpty();
    }

    @Test
    void isReadInParts() {
        Timeline timeline = new Timeline(1L << 20);
        for (int number = 1; number <= 50; number++) {
            timeline.add(batch(number, 3, "program.py:1"));
        }
        List<Long> seen = new ArrayList<>();
        long after = 0;
        boolean more = true;
        while (more) {
            Timeline.Part part = timeline.after(after, 20);
            assertThat(part.leftOut()).isZero();
            part.entries().forEach(entry -> seen.add(entry.number()));
            after = part.entries().getLast().number();
            more = part.more();
        }
        assertThat(seen).hasSize(50).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void oneThatIsLargerThanTheBoundIsKeptAlone() {
        Timeline timeline = new Timeline(100);
        timeline.add(batch(1, 1, "x"));
        timeline.add(batch(2, 500, "x".repeat(300)));
        assertThat(timeline.after(0, 1).entries())
                .extracting(Timeline.Entry::number)
                .containsExactly(2L);
    }

    @Test
    void eventsHaveExactTimesAndLines() {
        ChromeTrace trace = new ChromeTrace(1_000_000_000L, "server \"1\"");
        trace.add(List.of(new Timeline.Entry(1, batch(1, 2, "dir/program.py:12"))));
        assertThat(trace.events())
                .startsWith("[{\"ph\": \"M\", \"name\": \"process_name\"")
                .contains("\"name\": \"server \\\"1\\\"\"")
                .contains(
                        "\"name\": \"batch 1\", \"cat\": \"batch\", \"pid\": 2, \"tid\": 1, \"ts\": 0.007, \"dur\": 1000.000")
                .contains(
                        "\"name\": \"plan\", \"cat\": \"plan\", \"pid\": 2, \"tid\": 1, \"ts\": 0.007, \"dur\": 1.499")
                .contains("\"cat\": \"kernel\", \"pid\": 2, \"tid\": 1, \"ts\": 1.507, \"dur\": 1.001")
                .contains("\"source\": \"dir/program.py:12\", \"lines\": [\"dir/program.py:12\"]")
                .endsWith("]");
    }

    @Test
    void longLinesKeepTheirEnd() {
        String line = BatchRecorder.line(List.of("/" + "x".repeat(1_000) + ".py:77"), 1);
        assertThat(line).hasSize(300).endsWith(".py:77");
        assertThat(BatchRecorder.line(List.of("a:1"), 0)).isEmpty();
        assertThat(BatchRecorder.line(List.of("a:1"), 2)).isEmpty();
    }
}
