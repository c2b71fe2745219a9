package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TestMemoryQuota {
    @Test
    void aSessionHasItsOwnAndAPartOfItsUsers() {
        MemoryQuota user = MemoryQuota.ofUser("ann", 100);
        MemoryQuota first = user.session(80);
        MemoryQuota second = user.session(80);
        assertThatThrownBy(() -> first.take(81, 96))
                .isInstanceOfSatisfying(
                        ManipleException.class,
                        refused -> assertThat(refused.status()).isEqualTo(Status.OUT_OF_MEMORY))
                .hasMessage("81 bytes more do not fit: the session holds 0 bytes and may hold 80");
        first.take(60, 64);
        assertThatThrownBy(() -> second.take(40, 40))
                .hasMessage("40 bytes more do not fit: all sessions of the user ann together hold 64 bytes and may hold"
                        + " 100");
        assertThat(second.held()).isZero();
        assertThat(user.held()).isEqualTo(64);
        second.take(36, 36);
        first.give(64);
        assertThat(first.held()).isZero();
        assertThat(user.held()).isEqualTo(36);
        user.limit(36);
        assertThatThrownBy(() -> first.take(1, 64)).hasMessageContaining("ann");
        second.give(36);
        first.take(36, 64);
        assertThat(user.held()).isEqualTo(64);
    }

    @Test
    void neverTogetherMoreThanTheLimit() throws InterruptedException {
        MemoryQuota user = MemoryQuota.ofUser("ann", 1000);
        AtomicInteger most = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int session = 0; session < 8; session++) {
            MemoryQuota own = user.session(400);
            threads.add(Thread.ofPlatform().start(() -> {
                for (int turn = 0; turn < 5_000; turn++) {
                    try {
                        own.take(300, 300);
                    } catch (ManipleException full) {
                        continue;
                    }
                    most.accumulateAndGet((int) user.held(), Math::max);
                    own.give(300);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(most.get()).isBetween(300, 900);
        assertThat(user.held()).isZero();
    }
}
