package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The forms of all routines by name. A family adds its own in one line of the static block. */
public final class RoutineForms {
    private static final Map<String, RoutineForm> FORMS = new HashMap<>();

    static {
        FORMS.putAll(MovementForms.forms());
        FORMS.putAll(RandomForms.forms());
        FORMS.putAll(SortForms.forms());
        FORMS.putAll(LinearForms.forms());
        FORMS.putAll(FourierForms.forms());
    }

    private RoutineForms() {}

    /** @throws IllegalStateException if no routine has this name */
    public static RoutineForm of(String name) {
        RoutineForm form = FORMS.get(name);
        if (form == null) {
            throw new IllegalStateException("the operation " + name + " has no form");
        }
        return form;
    }

    public static Set<String> names() {
        return Set.copyOf(FORMS.keySet());
    }

    /** A form that only checks shapes. */
    static RoutineForm checking(Check check) {
        return check::of;
    }

    /** A form that only checks shapes, of an operation on rows. */
    static RoutineForm checking(Check check, Rows rows) {
        return checking(check, rows, views -> RoutineForm.Sharing.ROWS);
    }

    /** A form that only checks shapes. */
    static RoutineForm checking(Check check, Rows rows, Together together) {
        return new RoutineForm() {
            @Override
            public @Nullable String check(List<Layout> layouts) {
                return check.of(layouts);
            }

            @Override
            public boolean[] cutRows(List<Operand.View> views) {
                return rows.cut(views);
            }

            @Override
            public Sharing sharing(List<Operand.View> views) {
                return together.sharing(views);
            }
        };
    }

    /** As {@link RoutineForm#sharing}. */
    @FunctionalInterface
    interface Together {
        RoutineForm.Sharing sharing(List<Operand.View> views);
    }

    /** No operand can be cut. */
    static boolean[] uncut(List<Operand.View> views) {
        return RoutineForm.NO_CUT;
    }

    /** As {@link RoutineForm#cutRows}. */
    @FunctionalInterface
    interface Rows {
        boolean[] cut(List<Operand.View> views);
    }

    /** Of arrays of some rank or more the first dimension can be cut. */
    static Rows ofRank(int rank, boolean... cut) {
        return views -> views.get(0).layout().rank() >= rank ? cut : RoutineForm.NO_CUT;
    }

    /** What is wrong with layouts, or null. */
    @FunctionalInterface
    interface Check {
        @Nullable String of(List<Layout> layouts);
    }

    /** Bool and whole numbers that int64 holds all of. */
    static boolean isIndex(DType type) {
        return switch (type) {
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64 -> true;
            case UINT64, FLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 -> false;
        };
    }

    static boolean isInteger(DType type) {
        return switch (type) {
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> true;
            case BOOL, FLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 -> false;
        };
    }

    static String shape(Layout layout) {
        return Arrays.toString(layout.shape());
    }
}
