package io.maniple.server.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.server.failure.ManipleException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies cut everything, in order, and say what is wrong with what they are told. */
class TestMappings {
    private static MappingPolicy find(String choice) {
        return Mappings.find(choice, Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"even", "weighted", "weighted:2,1", "weighted:0,0,1", "weighted: 1, 1000000", "weighted:0,1"})
    void cutEverythingInOrder(String choice) {
        MappingPolicy policy = find(choice);
        for (long count : new long[] {0, 1, 2, 7, 64, 1_000_003, 1L << 50, Long.MAX_VALUE / 2}) {
            for (int workers : new int[] {1, 2, 3, 7, 64}) {
                long before = 0;
                for (int worker = 1; worker < workers; worker++) {
                    long begin = policy.begin(count, worker, workers);
                    assertThat(begin).isBetween(before, count);
                    before = begin;
                }
            }
        }
    }

    @Test
    void weightsAreProportions() {
        assertThat(find("weighted:2,1").begin(900, 1, 2)).isEqualTo(600);
        assertThat(find("weighted:2,1").begin(900, 2, 3)).isEqualTo(540);
        assertThat(find("weighted:1,0").begin(900, 1, 2)).isEqualTo(900);
        assertThat(find("weighted:0,1").begin(900, 1, 2)).isZero();
        assertThat(find("weighted").begin(900, 1, 2)).isEqualTo(450);
    }

    @ParameterizedTest
    @ValueSource(strings = {"weighted:", "weighted:a", "weighted:1,-1", "weighted:0", "weighted:0,0", "weighted:1,,1"})
    void wrongWeightsAreNamed(String choice) {
        assertThatThrownBy(() -> find(choice))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("such as weighted:2,1");
    }

    private record Wrong(long begin, int chosen) implements MappingPolicy {
        @Override
        public String name() {
            return "wrong";
        }

        @Override
        public long begin(long count, int worker, int workers) {
            if (begin == 99) {
                throw new IllegalStateException("lost");
            }
            return worker == 1 ? 5 : begin;
        }

        @Override
        public int alone(long[] held) {
            held[0] = 0;
            return chosen;
        }
    }

    @Test
    void wrongAnswersAreErrors() {
        MappingPolicy policy = Mappings.checked(new Wrong(4, 2));
        assertThat(policy.begin(10, 1, 3)).isEqualTo(5);
        assertThatThrownBy(() -> policy.begin(10, 2, 3))
                .isInstanceOf(ManipleException.class)
                .hasMessage("the mapping 'wrong' lets part 2 of 3 begin at 4 of 10, and the one before it at 5");
        assertThatThrownBy(() -> policy.begin(4, 1, 3)).hasMessageContaining("begin at 5 of 4");
        long[] held = {7, 8};
        assertThatThrownBy(() -> policy.alone(held)).hasMessage("the mapping 'wrong' gives work to worker 2 of 2");
        assertThat(held).containsExactly(7, 8);
        assertThatThrownBy(() -> Mappings.checked(new Wrong(99, 0)).begin(10, 1, 3))
                .hasMessage("the mapping 'wrong' has failed: java.lang.IllegalStateException: lost");
        assertThat(find("even").alone(new long[] {1, 3, 3})).isEqualTo(1);
        assertThat(find("weighted").alone(new long[2])).isZero();
    }

    @Test
    void whatIsNotThereIsNamed(@TempDir Path directory) throws Exception {
        assertThatThrownBy(() -> find("mine")).hasMessage("there is no mapping 'mine', but even, weighted");
        assertThatThrownBy(() -> find("even:3")).hasMessageContaining("takes no arguments");
        Path jar = directory.resolve("mine.jar");
        assertThatThrownBy(() -> Mappings.find("mine", Optional.of(jar))).hasMessageContaining("cannot be read");
        Files.createFile(jar);
        assertThatThrownBy(() -> Mappings.find("mine", Optional.of(jar)))
                .hasMessage("there is no mapping 'mine' here or in " + jar + ", but even, weighted");
        assertThat(Mappings.fingerprint("even", Optional.empty())).isEqualTo("even");
        assertThat(Mappings.fingerprint("mine", Optional.of(jar))).isEqualTo("mine of mine.jar (0)");
    }
}
