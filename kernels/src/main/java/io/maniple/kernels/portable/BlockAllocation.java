package io.maniple.kernels.portable;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Which scratch block holds the value of each node: a block is used again after its last reader, to stay in cache. */
final class BlockAllocation {
    private final int[] blocks;

    private BlockAllocation(int[] blocks) {
        this.blocks = blocks;
    }

    /** The number of the block among those of the value's lane, or -1 where the node makes no value. */
    int block(int node) {
        return blocks[node];
    }

    static BlockAllocation of(Kernel kernel) {
        List<Node> nodes = kernel.nodes();
        int[] lastReader = new int[nodes.size()];
        Arrays.fill(lastReader, -1);
        for (int i = 0; i < nodes.size(); i++) {
            for (int read : reads(nodes.get(i))) {
                // Scalars and literals are filled once a run, so their blocks are never given to others.
                boolean kept = nodes.get(read) instanceof Node.Scalar || nodes.get(read) instanceof Node.Literal;
                lastReader[read] = kept ? Integer.MAX_VALUE : i;
            }
        }
        int[] blocks = new int[nodes.size()];
        Map<Lane, Integer> used = new EnumMap<>(Lane.class);
        Map<Lane, Deque<Integer>> free = new EnumMap<>(Lane.class);
        for (Lane lane : Lane.values()) {
            used.put(lane, 0);
            free.put(lane, new ArrayDeque<>());
        }
        boolean[] released = new boolean[nodes.size()];
        // What is filled once a run gets its blocks first: it must not share one with a value computed before it.
        for (int i = 0; i < nodes.size(); i++) {
            if (nodes.get(i) instanceof Node.Scalar || nodes.get(i) instanceof Node.Literal) {
                blocks[i] = used.merge(Lane.of(kernel.typeOf(i)), 1, Integer::sum) - 1;
            }
        }
        for (int i = 0; i < nodes.size(); i++) {
            Node node = nodes.get(i);
            // A block may be written by the very node that reads it last: every loop reads element i before writing it.
            for (int read : reads(node)) {
                if (lastReader[read] == i && !released[read]) {
                    released[read] = true;
                    free.get(Lane.of(kernel.typeOf(read))).push(blocks[read]);
                }
            }
            switch (node) {
                case Node.Scalar scalar -> {}
                case Node.Literal literal -> {}
                case Node.Store store -> blocks[i] = -1;
                case Node.Reduce reduce -> blocks[i] = -1;
                case Node.Load load -> blocks[i] = take(kernel, i, used, free);
                case Node.Index index -> blocks[i] = take(kernel, i, used, free);
                case Node.Apply apply -> blocks[i] = take(kernel, i, used, free);
                case Node.Cast cast -> blocks[i] = take(kernel, i, used, free);
                case Node.Reinterpret reinterpret -> blocks[i] = take(kernel, i, used, free);
            }
        }
        return new BlockAllocation(blocks);
    }

    private static int take(Kernel kernel, int node, Map<Lane, Integer> used, Map<Lane, Deque<Integer>> free) {
        Lane lane = Lane.of(kernel.typeOf(node));
        Deque<Integer> freeOfLane = free.get(lane);
        return freeOfLane.isEmpty() ? used.merge(lane, 1, Integer::sum) - 1 : freeOfLane.pop();
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
            case Node.Store store -> {
                List<Integer> reads = new ArrayList<>(List.of(store.value()));
                if (store.mask() >= 0) {
                    reads.add(store.mask());
                }
                yield reads;
            }
            case Node.Reduce reduce -> List.of(reduce.value());
        };
    }
}
