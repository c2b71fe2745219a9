package io.maniple.cluster;

import io.grpc.ManagedChannel;
import java.util.List;

/**
 * All workers, complete. When one of them is lost the gang is over and another one forms.
 *
 * @param epoch 1, 2, 3, … with each gang
 */
record Gang(long epoch, List<Member> members) {
    /**
     * @param address "host:port"
     * @param memoryBytes most that it may hold
     */
    record Member(int rank, String address, long pid, int threads, long memoryBytes, ManagedChannel channel) {}

    Gang {
        members = List.copyOf(members);
    }

    int size() {
        return members.size();
    }

    List<String> addresses() {
        return members.stream().map(Member::address).toList();
    }
}
