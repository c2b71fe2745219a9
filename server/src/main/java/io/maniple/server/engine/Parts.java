package io.maniple.server.engine;

import io.maniple.server.distribution.Spans;
import io.maniple.server.distribution.Touch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Bytes by buffer, for each worker. */
final class Parts {
    private final List<Map<Integer, Spans.Builder>> builders = new ArrayList<>();
    private final long gap;

    Parts(int workers, long gap) {
        this.gap = gap;
        for (int worker = 0; worker < workers; worker++) {
            builders.add(new HashMap<>());
        }
    }

    void add(int worker, int buffer, Spans spans) {
        builders.get(worker)
                .computeIfAbsent(buffer, key -> new Spans.Builder(gap))
                .add(spans);
    }

    List<List<Touch>> build() {
        List<List<Touch>> parts = new ArrayList<>();
        for (Map<Integer, Spans.Builder> own : builders) {
            parts.add(touches(own));
        }
        return parts;
    }

    static List<Touch> touches(Map<Integer, Spans.Builder> builders) {
        List<Touch> touches = new ArrayList<>();
        builders.forEach((buffer, builder) -> {
            Spans spans = builder.build();
            if (!spans.isEmpty()) {
                touches.add(new Touch(buffer, spans));
            }
        });
        touches.sort((left, right) -> Integer.compare(left.buffer(), right.buffer()));
        return List.copyOf(touches);
    }

    /** Whether no two workers write the same byte. */
    static boolean disjoint(List<List<Touch>> written) {
        Map<Integer, Spans> all = new HashMap<>();
        for (List<Touch> own : written) {
            for (Touch touch : own) {
                Spans before = all.getOrDefault(touch.buffer(), Spans.NONE);
                if (before.meets(touch.spans())) {
                    return false;
                }
                all.put(touch.buffer(), before.and(touch.spans()));
            }
        }
        return true;
    }
}
