package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What linear algebra demands. A shape is written as NumPy writes the signature of a generalized ufunc, "mm->mn": the
 * last dimensions of each operand by letter, equal letters for equal sizes, 'p' for the lesser of m and n; before them
 * all operands have the same dimensions. Nothing may be empty.
 */
final class LinearForms {
    private LinearForms() {}

    static Map<String, RoutineForm> forms() {
        Map<String, RoutineForm> forms = new HashMap<>();
        // Outputs first, as in the program.
        forms.put("linalg.solve", form(0, "mn", "mm", "mn"));
        forms.put("linalg.inv", form(0, "mm", "mm"));
        forms.put("linalg.det", form(0, "", "mm"));
        forms.put("linalg.slogdet", form(0, "", "", "mm"));
        // The scalar chooses the upper triangle.
        forms.put("linalg.cholesky", form(1, "mm", "mm"));
        forms.put("linalg.qr", form(0, "mn", "p", "mn"));
        forms.put("linalg.q", new Form(0, List.of("mq", "mn", "p"), sizes -> {
            long wanted = size(sizes, 'q');
            return wanted >= size(sizes, 'p') && wanted <= size(sizes, 'm');
        }));
        forms.put("linalg.svd", new Form(0, List.of("mk", "p", "ln", "mn"), sizes -> {
            long least = size(sizes, 'p');
            boolean full = size(sizes, 'k') == size(sizes, 'm') && size(sizes, 'l') == size(sizes, 'n');
            return full || size(sizes, 'k') == least && size(sizes, 'l') == least;
        }));
        forms.put("linalg.svdvals", form(0, "p", "mn"));
        forms.put("linalg.eig", form(0, "m", "mm", "mm"));
        forms.put("linalg.eigvals", form(0, "m", "mm"));
        // The scalar chooses the lower triangle.
        forms.put("linalg.eigh", form(1, "m", "mm", "mm"));
        forms.put("linalg.eigvalsh", form(1, "m", "mm"));
        forms.put("linalg.lstsq", form(0, "ns", "s", "", "p", "mn", "ms", ""));
        return forms;
    }

    private static RoutineForm form(int scalars, String... operands) {
        return new Form(scalars, List.of(operands), sizes -> true);
    }

    private static long size(Map<Character, Long> sizes, char letter) {
        return sizes.getOrDefault(letter, -1L);
    }

    /** @param holds whether sizes that agree with the letters are possible */
    private record Form(int scalars, List<String> operands, Predicate<Map<Character, Long>> holds)
            implements RoutineForm {
        @Override
        public @Nullable String check(List<Layout> layouts) {
            if (layouts.size() != operands.size()) {
                return "takes " + operands.size() + " arrays";
            }
            Map<Character, Long> sizes = new HashMap<>();
            for (int index = 0; index < layouts.size(); index++) {
                if (!agrees(layouts, index, sizes)) {
                    return "the shape " + RoutineForms.shape(layouts.get(index)) + " of operand " + index
                            + " does not suit the others";
                }
            }
            Long least = sizes.get('p');
            boolean suits = least == null || least == Math.min(size(sizes, 'm'), size(sizes, 'n'));
            return suits && holds.test(sizes) ? null : "the operands' shapes do not belong together";
        }

        /** Stacks. */
        @Override
        public boolean[] cutRows(List<Operand.View> views) {
            if (views.get(0).layout().rank() == operands.get(0).length()) {
                return NO_CUT;
            }
            boolean[] cut = new boolean[views.size()];
            Arrays.fill(cut, true);
            return cut;
        }

        private boolean agrees(List<Layout> layouts, int index, Map<Character, Long> sizes) {
            Layout layout = layouts.get(index);
            String letters = operands.get(index);
            int stack = layout.rank() - letters.length();
            Layout first = layouts.get(0);
            if (stack != first.rank() - operands.get(0).length() || stack < 0 || layout.elements() == 0) {
                return false;
            }
            for (int dimension = 0; dimension < stack; dimension++) {
                if (layout.size(dimension) != first.size(dimension)) {
                    return false;
                }
            }
            for (int position = 0; position < letters.length(); position++) {
                long size = layout.size(stack + position);
                Long known = sizes.putIfAbsent(letters.charAt(position), size);
                if (known != null && known != size) {
                    return false;
                }
            }
            return true;
        }
    }
}
