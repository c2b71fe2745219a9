package io.maniple.kernels.portable;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Decides which scratch block holds each node's value; one is used again after its last reader, to stay in cache. */
final class BlockAllocation {
    private final Kernel kernel;
    private final List<Node> nodes;
    /** The number of each node's block among those of its lane, or -1 where the node makes no value. */
    private final int[] blocks;
    /** By the lane's position. */
    private final int[] used = new int[Lane.values().length];

    private final List<Deque<Integer>> free = new ArrayList<>();

    private BlockAllocation(Kernel kernel) {
        this.kernel = kernel;
        nodes = kernel.nodes();
        blocks = new int[nodes.size()];
        for (int lane = 0; lane < used.length; lane++) {
            free.add(new ArrayDeque<>());
        }
    }

    static int[] of(Kernel kernel) {
        BlockAllocation allocation = new BlockAllocation(kernel);
        allocation.allocate();
        return allocation.blocks;
    }

    private void allocate() {
        int[] lastReader = lastReaders();
        // What is filled once a run gets its blocks first, so that it never shares one with a value computed before.
        for (int i = 0; i < blocks.length; i++) {
            if (isUniform(i)) {
                blocks[i] = used[lane(i)]++;
            }
        }
        for (int i = 0; i < blocks.length; i++) {
            // A node may write the block that it is the last to read: every loop reads element i before it writes it.
            for (int read : reads(nodes.get(i)).stream().distinct().toList()) {
                if (lastReader[read] == i && !isUniform(read)) {
                    free.get(lane(read)).push(blocks[read]);
                }
            }
            if (nodes.get(i) instanceof Node.Store || nodes.get(i) instanceof Node.Reduce) {
                blocks[i] = -1;
            } else if (!isUniform(i)) {
                Deque<Integer> freeOfLane = free.get(lane(i));
                blocks[i] = freeOfLane.isEmpty() ? used[lane(i)]++ : freeOfLane.pop();
            }
        }
    }

    private int[] lastReaders() {
        int[] lastReader = new int[nodes.size()];
        Arrays.fill(lastReader, -1);
        for (int i = 0; i < nodes.size(); i++) {
            for (int read : reads(nodes.get(i))) {
                lastReader[read] = i;
            }
        }
        return lastReader;
    }

    private boolean isUniform(int node) {
        return nodes.get(node) instanceof Node.Scalar || nodes.get(node) instanceof Node.Literal;
    }

    private int lane(int node) {
        return Lane.of(kernel.typeOf(node)).ordinal();
    }

    private static List<Integer> reads(Node node) {
        return switch (node) {
            case Node.Load load -> List.of();
            case Node.Scalar scalar -> List.of();
            case Node.Literal literal -> List.of();
            case Node.Index index -> List.of();
            case Node.Apply apply -> apply.arguments();
            case Node.Cast cast -> List.of(cast.value());
            case Node.Reinterpret reinterpret -> List.of(reinterpret.value());
            case Node.Store store -> store.mask() < 0 ? List.of(store.value()) : List.of(store.value(), store.mask());
            case Node.Reduce reduce -> List.of(reduce.value());
        };
    }
}
