package io.maniple.server.plan;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An instruction on its way into a group.
 *
 * @param shape the iteration space, without dimensions of size 1
 * @param folded which dimensions it folds; null if it is elementwise
 * @param indexStrides how the linear index grows along the dimensions; null if it does not ask for it
 */
record Candidate(
        Member member,
        long[] shape,
        List<Access> reads,
        List<Access> writes,
        boolean @Nullable [] folded,
        long @Nullable [] indexStrides) {
    static Candidate of(Member member, long[] shape, boolean @Nullable [] folded, long @Nullable [] indexStrides) {
        List<Access> reads = new ArrayList<>();
        for (Member.Input input : member.inputs()) {
            if (input instanceof Member.Input.Memory memory) {
                reads.add(memory.access());
            }
        }
        if (member.mask() instanceof Member.Input.Memory memory) {
            reads.add(memory.access());
        }
        return new Candidate(member, shape, reads, member.outputs(), folded, indexStrides);
    }
}
