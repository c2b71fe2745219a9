package io.maniple.server.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
