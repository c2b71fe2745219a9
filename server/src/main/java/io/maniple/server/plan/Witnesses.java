package io.maniple.server.plan;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/**
 * Finds the instructions of a group whose results nobody needs, but whose floating-point errors the client wants to
 * know of: NumPy, which computes everything, tells of these too.
 */
final class Witnesses {
    private final Planner planner;
    private final Group group;
    private final IntPredicate isDead;
    private final IntUnaryOperator reports;

    /**
     * @param isDead whether nobody reads a buffer behind the group
     * @param reports the kinds of errors the client wants to know of a source
     */
    Witnesses(Planner planner, Group group, IntPredicate isDead, IntUnaryOperator reports) {
        this.planner = planner;
        this.group = group;
        this.isDead = isDead;
        this.reports = reports;
    }

    /** @param heard gets the dead buffers that have to be computed all the same */
    void call(BitSet heard) {
        Set<Access> needed = new HashSet<>();
        Set<Access> overwritten = new HashSet<>();
        for (Access write : group.writes()) {
            if (!isDead.test(write.buffer())) {
                needed.add(write);
            }
        }
        for (int number = group.members().size() - 1; number >= 0; number--) {
            Member member = group.members().get(number);
            Access output = member.outputs().getFirst();
            boolean computed = member.folds()
                    ? !isDead.test(output.buffer())
                    : member.outputs().stream().anyMatch(needed::contains);
            boolean forced = !computed && (Diagnosis.kinds(member) & reports.applyAsInt(member.source())) != 0;
            if (forced && overwritten.contains(output)) {
                Member copy = planner.copyOf(output, group.shape(), 0);
                group.insert(number + 1, copy);
                heard.set(copy.outputs().getFirst().buffer());
            } else if (forced) {
                heard.set(output.buffer());
            }
            if (!member.folds() && member.mask() == null) {
                needed.removeAll(member.outputs());
                overwritten.addAll(member.outputs());
            }
            if (computed || forced) {
                read(member, needed);
            }
        }
    }

    private static void read(Member member, Set<Access> needed) {
        for (Member.Input input : member.inputs()) {
            if (input instanceof Member.Input.Memory memory) {
                needed.add(memory.access());
            }
        }
        if (member.mask() instanceof Member.Input.Memory memory) {
            needed.add(memory.access());
        }
        if (member.mask() != null && !member.folds()) {
            needed.addAll(member.outputs());
        }
    }
}
