package io.maniple.kernels.portable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A thread's blocks of values, kept from kernel to kernel. */
final class Scratch {
    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    private final Map<Lane, List<Object>> blocks = new EnumMap<>(Lane.class);

    private final Staging staging = new Staging();

    private Scratch() {
        for (Lane lane : Lane.values()) {
            blocks.put(lane, new ArrayList<>());
        }
    }

    static Scratch ofThread() {
        return OF_THREAD.get();
    }

    Staging staging() {
        return staging;
    }

    /** The block of that number, {@link PortableKernel#BLOCK} values long. */
    Object block(Lane lane, int number) {
        List<Object> ofLane = blocks.get(lane);
        while (ofLane.size() <= number) {
            ofLane.add(lane.allocate(PortableKernel.BLOCK));
        }
        return ofLane.get(number);
    }
}
