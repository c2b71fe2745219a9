package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What selections, gathers and products demand. */
final class MovementForms {
    private MovementForms() {}

    static Map<String, RoutineForm> forms() {
        return Map.of(
                "argmax.reduce", RoutineForms.checking(MovementForms::extreme),
                "argmin.reduce", RoutineForms.checking(MovementForms::extreme),
                "compress",
                        RoutineForms.checking(
                                MovementForms::compress, RoutineForms::uncut, views -> RoutineForm.Sharing.SELECTED),
                "place", updating(MovementForms::place),
                "take", TAKE,
                "put", updating(layouts -> indexed(layouts, 1, 0)),
                "matmul", PRODUCT);
    }

    private static RoutineForm updating(RoutineForms.Check check) {
        return new RoutineForm() {
            @Override
            public @Nullable String check(List<Layout> layouts) {
                return check.of(layouts);
            }

            @Override
            public boolean updates() {
                return true;
            }
        };
    }

    private static @Nullable String extreme(List<Layout> layouts) {
        return layouts.size() == 2 ? OperationChecks.keepsRank(layouts.get(0), layouts.get(1)) : "takes 2 operands";
    }

    private static @Nullable String compress(List<Layout> layouts) {
        if (layouts.size() != 4) {
            return "takes 4 operands";
        }
        if (layouts.get(1).elements() != 1 || layouts.get(1).type() != DType.INT64) {
            return "needs an int64 count";
        }
        Layout in = layouts.get(2);
        Layout mask = layouts.get(3);
        boolean leads = mask.type() == DType.BOOL && mask.rank() >= 1 && mask.rank() <= in.rank();
        for (int dimension = 0; leads && dimension < mask.rank(); dimension++) {
            leads = mask.size(dimension) == in.size(dimension);
        }
        if (!leads) {
            return "needs a boolean mask of the input's leading dimensions";
        }
        Layout out = layouts.get(0);
        boolean follows = out.rank() == 1 + in.rank() - mask.rank();
        for (int dimension = 1; follows && dimension < out.rank(); dimension++) {
            follows = out.size(dimension) == in.size(mask.rank() + dimension - 1);
        }
        return follows ? null : "needs an output with one dimension for those of the mask, and the input's other ones";
    }

    private static @Nullable String place(List<Layout> layouts) {
        if (layouts.size() != 3 || layouts.get(1).rank() != 1) {
            return "takes an output, 1-D values and a mask";
        }
        return layouts.get(2).type() == DType.BOOL && layouts.get(0).sameShape(layouts.get(2))
                ? null
                : "needs a boolean mask of the output's shape";
    }

    /** The selected side has the indices' shape and then the array's trailing dimensions. */
    private static @Nullable String indexed(List<Layout> layouts, int selectedSide, int arraySide) {
        if (layouts.size() < 3) {
            return "takes at least 3 operands";
        }
        Layout selected = layouts.get(selectedSide);
        Layout array = layouts.get(arraySide);
        List<Layout> indices = layouts.subList(2, layouts.size());
        Layout first = indices.get(0);
        for (Layout index : indices) {
            if (!RoutineForms.isInteger(index.type()) || !index.sameShape(first)) {
                return "the indices must be integer arrays of one shape, not " + indices;
            }
        }
        if (indices.size() > array.rank()) {
            return "more indices than dimensions";
        }
        int trailing = array.rank() - indices.size();
        boolean suits = selected.rank() == first.rank() + trailing;
        for (int dimension = 0; suits && dimension < selected.rank(); dimension++) {
            long expected = dimension < first.rank()
                    ? first.size(dimension)
                    : array.size(indices.size() + dimension - first.rank());
            suits = selected.size(dimension) == expected;
        }
        return suits ? null : "the selection has shape " + RoutineForms.shape(selected);
    }

    /** Indices of any rank but 0 are cut with what they select. */
    private static boolean[] taken(List<Operand.View> views) {
        if (views.get(2).layout().rank() == 0) {
            return RoutineForm.NO_CUT;
        }
        boolean[] cut = new boolean[views.size()];
        Arrays.fill(cut, true);
        cut[1] = false;
        return cut;
    }

    private static final RoutineForm TAKE = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            return indexed(layouts, 0, 1);
        }

        @Override
        public boolean[] cutRows(List<Operand.View> views) {
            return taken(views);
        }

        /** One array of indices. */
        @Override
        public boolean acceptsType(List<Operand.View> views, int input) {
            return input == 2
                    && views.size() == 3
                    && RoutineForms.isIndex(views.get(input).layout().type());
        }
    };

    private static final RoutineForm PRODUCT = new RoutineForm() {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            int rank = layouts.get(0).rank();
            if (layouts.size() != 3 || rank < 2 || layouts.stream().anyMatch(layout -> layout.rank() != rank)) {
                return "takes three matrices, or stacks of matrices of one rank";
            }
            Layout out = layouts.get(0);
            Layout left = layouts.get(1);
            Layout right = layouts.get(2);
            int row = rank - 2;
            int column = rank - 1;
            boolean suits = left.size(column) == right.size(row)
                    && out.size(row) == left.size(row)
                    && out.size(column) == right.size(column);
            for (int dimension = 0; suits && dimension < row; dimension++) {
                suits = out.size(dimension) == left.size(dimension) && out.size(dimension) == right.size(dimension);
            }
            return suits
                    ? null
                    : "shapes " + RoutineForms.shape(left) + " and " + RoutineForms.shape(right) + " do not give "
                            + RoutineForms.shape(out);
        }

        /** Stacks, and the rows of one product; but a matrix times its transpose is one symmetric matrix. */
        @Override
        public boolean[] cutRows(List<Operand.View> views) {
            if (views.get(0).layout().rank() >= 3) {
                return new boolean[] {true, true, true};
            }
            boolean isVector = views.get(0).layout().size(0) == 1;
            return isVector || MatrixLayout.isSymmetricProduct(views.get(1), views.get(2))
                    ? NO_CUT
                    : new boolean[] {true, true, false};
        }

        @Override
        public long rowsTogether(List<Operand.View> views) {
            Layout out = views.get(0).layout();
            return out.rank() >= 3
                    ? 1
                    : MatrixLayout.rowsTogether(out, views.get(1).layout().size(1));
        }

        @Override
        public boolean acceptsStrided(Layout layout) {
            return MatrixLayout.suits(layout);
        }
    };
}
