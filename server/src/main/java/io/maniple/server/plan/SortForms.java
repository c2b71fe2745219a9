package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.server.plan.RoutineForm.Sharing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What sorting, searching, counting and updating by index demand. */
final class SortForms {
    private static final List<String> UPDATED = List.of("add", "subtract", "multiply", "minimum", "maximum");
    private static final List<String> REDUCED = List.of("add", "multiply", "minimum", "maximum");

    private SortForms() {}

    static Map<String, RoutineForm> forms() {
        Map<String, RoutineForm> forms = new HashMap<>();
        forms.put(
                "sort",
                RoutineForms.checking(
                        layouts -> rows(layouts, 2), RoutineForms.ofRank(2, true, true), SortForms::vectors));
        forms.put("argsort", RoutineForms.checking(layouts -> rows(layouts, 2), RoutineForms.ofRank(2, true, true)));
        forms.put("partition", RoutineForms.checking(SortForms::partition, RoutineForms.ofRank(2, true, true, false)));
        forms.put("searchsorted", SEARCH);
        forms.put("bincount", COUNT);
        forms.put(
                "histogram",
                RoutineForms.checking(SortForms::histogram, RoutineForms::uncut, views -> Sharing.COUNTED));
        UPDATED.forEach(name -> forms.put(name + ".at", UPDATE));
        REDUCED.forEach(name -> forms.put(
                name + ".reduceat",
                RoutineForms.checking(SortForms::reduceat, RoutineForms.ofRank(2, true, true, false))));
        return forms;
    }

    /** The order of complex numbers takes two keys. */
    private static Sharing vectors(List<Operand.View> views) {
        Layout layout = views.get(1).layout();
        return layout.rank() == 1 && !layout.type().isComplex() ? Sharing.SORTED : Sharing.ROWS;
    }

    /** Sums of weights are rounded, in the order of the values. */
    private static Sharing unweighted(List<Operand.View> views) {
        return views.size() == 2 ? Sharing.COUNTED : Sharing.ROWS;
    }

    /** Output and input of one shape; the last dimension is sorted. */
    private static @Nullable String rows(List<Layout> layouts, int operands) {
        if (layouts.size() != operands) {
            return "takes " + operands + " operands";
        }
        return layouts.get(0).rank() >= 1 && layouts.get(0).sameShape(layouts.get(1))
                ? null
                : "shapes " + RoutineForms.shape(layouts.get(0)) + " and " + RoutineForms.shape(layouts.get(1))
                        + " are not those of rows";
    }

    private static @Nullable String partition(List<Layout> layouts) {
        String problem = rows(layouts, 3);
        return problem != null ? problem : vectorOfIntegers(layouts.get(2), "positions");
    }

    private static @Nullable String bincount(List<Layout> layouts) {
        if (layouts.size() != 2 && layouts.size() != 3) {
            return "takes 2 or 3 operands";
        }
        if (layouts.get(0).rank() != 1 || layouts.get(1).rank() != 1) {
            return "takes vectors";
        }
        return layouts.size() == 2 || layouts.get(1).sameShape(layouts.get(2)) ? null : "needs a weight for each value";
    }

    private static @Nullable String histogram(List<Layout> layouts) {
        if (layouts.size() != 3 || layouts.stream().anyMatch(layout -> layout.rank() != 1)) {
            return "takes vectors of counts, values and edges";
        }
        return layouts.get(0).size(0) >= 1
                        && layouts.get(2).size(0) == layouts.get(0).size(0) + 1
                ? null
                : "needs one edge more than counts";
    }

    private static @Nullable String reduceat(List<Layout> layouts) {
        if (layouts.size() != 3 || layouts.get(0).rank() < 1) {
            return "takes 3 operands";
        }
        Layout out = layouts.get(0);
        Layout in = layouts.get(1);
        int last = out.rank() - 1;
        boolean suits = in.rank() == out.rank()
                && layouts.get(2).rank() == 1
                && layouts.get(2).size(0) == out.size(last);
        for (int dimension = 0; suits && dimension < last; dimension++) {
            suits = out.size(dimension) == in.size(dimension);
        }
        return suits
                ? vectorOfIntegers(layouts.get(2), "indices")
                : "an output of shape " + RoutineForms.shape(out) + " for " + RoutineForms.shape(in);
    }

    private static @Nullable String vectorOfIntegers(Layout layout, String what) {
        return layout.rank() == 1 && RoutineForms.isInteger(layout.type()) ? null : "needs a vector of " + what;
    }

    /** out, values, perhaps weights. */
    private static final RoutineForm COUNT = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            return bincount(layouts);
        }

        @Override
        public Sharing sharing(List<Operand.View> views) {
            return unweighted(views);
        }

        @Override
        public boolean acceptsType(List<Operand.View> views, int input) {
            return input == 1
                    && views.size() == 2
                    && RoutineForms.isIndex(views.get(input).layout().type());
        }
    };

    /** out, sorted vector, values; 1 for the right side. */
    private static final RoutineForm SEARCH = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            if (layouts.size() != 3 || layouts.get(1).rank() != 1) {
                return "takes an output, a vector and values";
            }
            return layouts.get(0).sameShape(layouts.get(2)) ? null : "needs an output of the values' shape";
        }

        @Override
        public int scalars() {
            return 1;
        }

        @Override
        public boolean[] cutRows(List<Operand.View> views) {
            return views.get(0).layout().rank() >= 1 ? new boolean[] {true, false, true} : NO_CUT;
        }
    };

    /** out[index[i]] is combined with values[i], in the order of i. */
    private static final RoutineForm UPDATE = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            if (layouts.size() != 3
                    || layouts.get(0).rank() != 1
                    || layouts.get(1).rank() != 1) {
                return "takes vectors of results, values and indices";
            }
            return layouts.get(1).sameShape(layouts.get(2))
                    ? vectorOfIntegers(layouts.get(2), "indices")
                    : "needs an index for each value";
        }

        @Override
        public boolean updates() {
            return true;
        }
    };
}
