package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What random numbers demand: an output, a count of what was consumed, and the generator's state as scalars. */
final class RandomForms {
    private static final RoutineForm DRAW = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            boolean suits = layouts.size() == 2
                    && layouts.get(1).elements() == 1
                    && layouts.get(1).type() == DType.INT64;
            return suits ? null : "needs an output and an int64 count";
        }

        /** Integers are rejected here and there, which moves all that follow. */
        @Override
        public Sharing sharing(List<Operand.View> views) {
            DType type = views.getFirst().layout().type();
            return type == DType.FLOAT64 || type == DType.FLOAT32 ? Sharing.ITEMS : Sharing.ROWS;
        }

        /** Seven of state, then width, held, half, low and range. */
        @Override
        public int scalars() {
            return 12;
        }
    };

    private RandomForms() {}

    static Map<String, RoutineForm> forms() {
        return Map.of("random.pcg64", DRAW, "random.pcg64dxsm", DRAW, "random.philox", DRAW);
    }
}
