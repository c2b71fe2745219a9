package io.maniple.kernels.portable;

import java.util.ArrayList;
import java.util.List;

/** A thread's blocks of values, kept from kernel to kernel. */
final class Scratch {
    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    /** By the lane's position. */
    private final List<List<Object>> blocks = new ArrayList<>();

    private final Staging staging = new Staging();

    private Scratch() {
        for (Lane lane : Lane.values()) {
            blocks.add(lane.ordinal(), new ArrayList<>());
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
        List<Object> ofLane = blocks.get(lane.ordinal());
        while (ofLane.size() <= number) {
            ofLane.add(lane.allocate(PortableKernel.BLOCK));
        }
        return ofLane.get(number);
    }
}
