package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.server.failure.ManipleException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What NumPy 2.4 draws with a seed of 5 after two words. */
class TestRandomWords {
    private static final BigInteger INCREMENT = new BigInteger("233193750087604940414945475171846202189");
    private static final int[] PLACES = {0, 1, 2, 3, 70_000, 100_002};

    private static final RandomWords PCG64 =
            RandomWords.Pcg64.of(congruence(new BigInteger("306760486260357735903297180624134655564"), INCREMENT));
    private static final RandomWords PCG64DXSM =
            RandomWords.Pcg64Dxsm.of(congruence(new BigInteger("36159132066007794089480870744273789244"), INCREMENT));
    private static final RandomWords PHILOX = RandomWords.Philox.of(philox(1, 0, 0, 0, 2));

    private static long[] congruence(BigInteger state, BigInteger increment) {
        return new long[] {
            state.shiftRight(64).longValue(),
            state.longValue(),
            increment.shiftRight(64).longValue(),
            increment.longValue(),
            0,
            0,
            0
        };
    }

    private static long[] philox(long counter0, long counter1, long counter2, long counter3, long used) {
        long key = Long.parseUnsignedLong("12631478326263854183");
        return new long[] {key, 4464650224815488352L, counter0, counter1, counter2, counter3, used};
    }

    @Test
    void givesTheWordsOfNumPy() {
        assertThat(at(PCG64, PLACES))
                .containsExactly(
                        0x83ec603f7806adc0L,
                        0x492a477ca1570476L,
                        0xdce670afac210edL,
                        0x622476854726028fL,
                        0xce070c34cef7c084L,
                        0x2f0eb7077c77c037L);
        assertThat(at(PCG64DXSM, PLACES))
                .containsExactly(
                        0xe1f950e0ce5f136L,
                        0x563ccef1459b7418L,
                        0x9ce4e8008a58536dL,
                        0xca6a06ad3a75b8fbL,
                        0xa5d72da401d2c6d8L,
                        0xaa469d8c07203991L);
        assertThat(at(PHILOX, PLACES))
                .containsExactly(
                        0x6bdf0392cf928043L,
                        0x2bba74199c501b76L,
                        0x895eaa150ce5c147L,
                        0x91d7b03335f8f68fL,
                        0xea2b90feebfd8286L,
                        0x9445608c6698f190L);
    }

    private static long[] at(RandomWords words, int... places) {
        long[] one = new long[1];
        return Arrays.stream(places)
                .mapToLong(place -> {
                    words.fill(place, one, 1);
                    return one[0];
                })
                .toArray();
    }

    @Test
    void everyPieceIsThatOfTheWhole() {
        for (RandomWords words : List.of(PCG64, PCG64DXSM, PHILOX)) {
            long[] whole = new long[1_000];
            words.fill(0, whole, whole.length);
            for (int first = 0; first < 40; first++) {
                for (int count = 1; count < 12; count++) {
                    long[] piece = new long[count];
                    words.fill(first, piece, count);
                    assertThat(piece).containsExactly(Arrays.copyOfRange(whole, first, first + count));
                }
            }
        }
    }

    @Test
    void aCounterCarriesThroughItsFourWords() {
        long[] beyond = at(RandomWords.Philox.of(philox(-1, -1, -1, 6, 4)), 0, 1, 2, 3, 4);
        long[] before = at(RandomWords.Philox.of(philox(-2, -1, -1, 6, 4)), 4, 5, 6, 7, 8);
        assertThat(beyond).containsExactly(before);
        assertThat(beyond).startsWith(at(RandomWords.Philox.of(philox(0, 0, 0, 7, 0)), 0, 1, 2, 3));
        assertThatThrownBy(() -> RandomWords.Philox.of(philox(0, 0, 0, 0, 5))).isInstanceOf(ManipleException.class);
    }

    @Test
    void cutsWordsIntoItemsLowBitsFirst() {
        long[] words = new long[600];
        PCG64.fill(0, words, words.length);
        long half = 0xcafe_f00dL;
        for (int width : new int[] {8, 16, 32}) {
            for (int held = 0; held < 2; held++) {
                RandomItems items = new RandomItems(PCG64, width, held, half);
                for (int first : new int[] {0, 1, 2, 3, 4, 5, 7, 1024}) {
                    long[] got = new long[50];
                    items.fill(first, got, got.length, new long[RandomItems.CHUNK + 1]);
                    for (int index = 0; index < got.length; index++) {
                        assertThat(got[index]).isEqualTo(item(words, half, held, width, first + index));
                    }
                }
            }
        }
    }

    private static long item(long[] words, long half, int held, int width, int number) {
        int bit = number * width - 32 * held;
        long bits = bit < 0 ? half >>> bit + 32 : words[bit / 64] >>> bit % 64;
        return bits & (1L << width) - 1;
    }
}
