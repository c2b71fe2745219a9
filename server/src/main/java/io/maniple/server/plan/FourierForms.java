package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What Fourier transforms demand: output, input, factor (one number). Output and input have the same shape but for the
 * last dimension, which is transformed: the input's is cut or filled with zeros to what the output's stands for.
 */
final class FourierForms {
    private FourierForms() {}

    static Map<String, RoutineForm> forms() {
        // The scalar says whether it is the way back, or whether the length is odd.
        return Map.of("fft.complex", form(1), "fft.from_real", form(1), "fft.to_real", form(0));
    }

    private static RoutineForm form(int scalars) {
        return new RoutineForm() {
            @Override
            public @Nullable String check(List<Layout> layouts) {
                return rows(layouts);
            }

            @Override
            public int scalars() {
                return scalars;
            }

            @Override
            public boolean[] cutRows(List<Operand.View> views) {
                return views.get(0).layout().rank() >= 2 ? new boolean[] {true, true, false} : NO_CUT;
            }

            @Override
            public boolean acceptsStrided(Layout layout) {
                return true;
            }

            @Override
            public boolean acceptsStridedOutputs() {
                return true;
            }
        };
    }

    private static @Nullable String rows(List<Layout> layouts) {
        if (layouts.size() != 3 || layouts.get(2).elements() != 1) {
            return "takes an output, an input and one factor";
        }
        Layout out = layouts.get(0);
        Layout in = layouts.get(1);
        boolean suits = out.rank() == in.rank() && out.rank() > 0 && out.elements() > 0 && in.elements() > 0;
        for (int dimension = 0; suits && dimension < out.rank() - 1; dimension++) {
            suits = out.size(dimension) == in.size(dimension);
        }
        return suits
                ? null
                : "rows of shape " + RoutineForms.shape(in) + " are not transformed to " + RoutineForms.shape(out);
    }
}
