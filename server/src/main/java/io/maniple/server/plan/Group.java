package io.maniple.server.plan;

import io.maniple.bridge.program.Instruction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Instructions that become one kernel, or one instruction with a routine of its own. */
final class Group {
    private static final int MAXIMUM_MEMBERS = 200;
    /** Views that a kernel walks over in memory; more would outnumber the general registers and the prefetchers. */
    private static final int MAXIMUM_VIEWS = 24;

    /** With no more than this, one loop may do unrelated things: what follows often needs both. */
    private static final int FEW_VIEWS = 8;
    /** Below this, running unrelated instructions in one loop is cheaper than starting two. */
    private static final long SMALL = 65_536;

    private final long[] shape;
    private final List<Member> members = new ArrayList<>();
    private final List<Access> reads = new ArrayList<>();
    private final List<Access> writes = new ArrayList<>();
    private final List<Access> folds = new ArrayList<>();
    private boolean @Nullable [] folded;
    private long @Nullable [] indexStrides;
    private final @Nullable Instruction routine;
    private final IntPredicate isTemporary;
    private int viewsInMemory;

    /** @param isTemporary whether a buffer is made and freed in this batch, so that it may never reach memory */
    Group(long[] shape, IntPredicate isTemporary) {
        this.shape = shape;
        this.routine = null;
        this.isTemporary = isTemporary;
    }

    /** A group of one instruction that is never fused; its accesses cover the operands' whole ranges. */
    Group(Instruction routine, List<Access> reads, List<Access> writes) {
        this.shape = new long[0];
        this.routine = routine;
        this.isTemporary = buffer -> false;
        this.reads.addAll(reads);
        this.writes.addAll(writes);
    }

    /** The same over another number of elements along one dimension. */
    Group resized(int dimension, long size) {
        long[] other = shape.clone();
        other[dimension] = size;
        Group group = new Group(other, isTemporary);
        group.members.addAll(members);
        group.reads.addAll(reads);
        group.writes.addAll(writes);
        group.folds.addAll(folds);
        group.folded = folded;
        group.indexStrides = indexStrides;
        return group;
    }

    long[] shape() {
        return shape;
    }

    List<Member> members() {
        return members;
    }

    List<Access> reads() {
        return reads;
    }

    List<Access> writes() {
        return writes;
    }

    List<Access> folds() {
        return folds;
    }

    boolean @Nullable [] folded() {
        return folded;
    }

    long @Nullable [] indexStrides() {
        return indexStrides;
    }

    @Nullable Instruction routine() {
        return routine;
    }

    long elements() {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        return elements;
    }

    /** Whether the candidate may run before everything in this group. */
    boolean conflictsWith(Candidate candidate) {
        for (Access write : candidate.writes()) {
            if (meets(write, candidate.shape(), reads)
                    || meets(write, candidate.shape(), writes)
                    || meets(write, candidate.shape(), folds)) {
                return true;
            }
        }
        for (Access read : candidate.reads()) {
            if (meets(read, candidate.shape(), writes) || meets(read, candidate.shape(), folds)) {
                return true;
            }
        }
        return false;
    }

    private boolean meets(Access access, long[] accessShape, List<Access> others) {
        for (Access other : others) {
            if (access.overlaps(other, accessShape, shape)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the candidate can become part of this group's loop. */
    boolean accepts(Candidate candidate) {
        if (routine != null
                || members.size() >= MAXIMUM_MEMBERS
                || viewsInMemory > MAXIMUM_VIEWS
                || !Arrays.equals(shape, candidate.shape())) {
            return false;
        }
        if (candidate.folded() != null && folded != null && !Arrays.equals(folded, candidate.folded())) {
            return false;
        }
        if (candidate.indexStrides() != null
                && indexStrides != null
                && !Arrays.equals(indexStrides, candidate.indexStrides())) {
            return false;
        }
        boolean isFold = candidate.member().folds();
        for (Access write : candidate.writes()) {
            // What a fold writes is complete only after the loop, so it may meet nothing inside it.
            if (meetsOtherElement(write, reads, !isFold)
                    || meetsOtherElement(write, writes, !isFold)
                    || meets(write, shape, folds)) {
                return false;
            }
        }
        for (Access read : candidate.reads()) {
            if (meetsOtherElement(read, writes, true) || meets(read, shape, folds)) {
                return false;
            }
        }
        return elements() <= SMALL || viewsInMemory < FEW_VIEWS || sharesWith(candidate);
    }

    /** Whether iteration i of the access touches what another iteration of one of the others touches. */
    private boolean meetsOtherElement(Access access, List<Access> others, boolean sameElementAllowed) {
        for (Access other : others) {
            boolean same = sameElementAllowed && access.equals(other);
            if (!same && access.overlaps(other, shape, shape)) {
                return true;
            }
        }
        return false;
    }

    private boolean sharesWith(Candidate candidate) {
        for (Access read : candidate.reads()) {
            if (touches(read)) {
                return true;
            }
        }
        for (Access write : candidate.writes()) {
            if (touches(write)) {
                return true;
            }
        }
        return false;
    }

    private boolean touches(Access access) {
        for (Access other : reads) {
            if (other.buffer() == access.buffer()) {
                return true;
            }
        }
        for (Access other : writes) {
            if (other.buffer() == access.buffer()) {
                return true;
            }
        }
        return false;
    }

    void add(Candidate candidate) {
        members.add(candidate.member());
        for (Access read : candidate.reads()) {
            // What the group itself made passes in a register.
            viewsInMemory += reads.contains(read) || writes.contains(read) ? 0 : 1;
        }
        for (Access write : candidate.writes()) {
            viewsInMemory += isTemporary.test(write.buffer()) || writes.contains(write) ? 0 : 1;
        }
        addAbsent(reads, candidate.reads());
        addAbsent(candidate.member().folds() ? folds : writes, candidate.writes());
        if (candidate.folded() != null) {
            folded = candidate.folded();
        }
        if (candidate.indexStrides() != null) {
            indexStrides = candidate.indexStrides();
        }
    }

    /** Adds an instruction behind another one of the group, whose result it reads. */
    void insert(int position, Member member) {
        members.add(position, member);
        addAbsent(writes, member.outputs());
    }

    private static void addAbsent(List<Access> accesses, List<Access> more) {
        for (Access access : more) {
            if (!accesses.contains(access)) {
                accesses.add(access);
            }
        }
    }

    boolean reads(int buffer) {
        for (Access read : reads) {
            if (read.buffer() == buffer) {
                return true;
            }
        }
        return false;
    }

    Set<Integer> buffers() {
        Set<Integer> buffers = new HashSet<>();
        reads.forEach(access -> buffers.add(access.buffer()));
        writes.forEach(access -> buffers.add(access.buffer()));
        folds.forEach(access -> buffers.add(access.buffer()));
        return buffers;
    }

    boolean mentions(int buffer) {
        return reads(buffer)
                || writes.stream().anyMatch(access -> access.buffer() == buffer)
                || folds.stream().anyMatch(access -> access.buffer() == buffer);
    }
}
