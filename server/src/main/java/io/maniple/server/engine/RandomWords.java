package io.maniple.server.engine;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;

/** The 64-bit words of a counter-based or linear congruential generator, from any place: it is reached by a jump. */
sealed interface RandomWords {
    /** How many scalars a generator's state takes; one with a smaller state leaves the last ones unused. */
    int STATE = 7;

    /** Writes the {@code count} words from number {@code first} on; word 0 is the next one of the state given. */
    void fill(long first, long[] words, int count);

    /** NumPy's PCG64: a 128-bit linear congruential generator, stepped first, then its high and low halves mixed. */
    record Pcg64(Congruence congruence) implements RandomWords {
        private static final long MULTIPLIER_HIGH = 2549297995355413924L;
        private static final long MULTIPLIER_LOW = 4865540595714422341L;

        static Pcg64 of(long[] state) {
            return new Pcg64(Congruence.of(state, MULTIPLIER_HIGH, MULTIPLIER_LOW));
        }

        @Override
        public void fill(long first, long[] words, int count) {
            // Two parts side by side: a step waits for the product of the step before.
            int part = count / 2;
            Congruence.Walk walk = congruence.at(first);
            Congruence.Walk other = congruence.at(first + part);
            for (int index = 0; index < part; index++) {
                walk.step();
                other.step();
                words[index] = mixed(walk);
                words[part + index] = mixed(other);
            }
            for (int index = 2 * part; index < count; index++) {
                other.step();
                words[index] = mixed(other);
            }
        }

        private static long mixed(Congruence.Walk walk) {
            return Long.rotateRight(walk.high ^ walk.low, (int) (walk.high >>> 58));
        }
    }

    /** NumPy's PCG64DXSM: a cheaper multiplier, a stronger mix of the state before the step. */
    record Pcg64Dxsm(Congruence congruence) implements RandomWords {
        private static final long MULTIPLIER = 0xda942042e4dd58b5L;

        static Pcg64Dxsm of(long[] state) {
            return new Pcg64Dxsm(Congruence.of(state, 0, MULTIPLIER));
        }

        @Override
        public void fill(long first, long[] words, int count) {
            Congruence.Walk walk = congruence.at(first);
            for (int index = 0; index < count; index++) {
                long mixed = walk.high;
                mixed ^= mixed >>> 32;
                mixed *= MULTIPLIER;
                mixed ^= mixed >>> 48;
                words[index] = mixed * (walk.low | 1);
                walk.step();
            }
        }
    }

    /** x → multiplier * x + increment modulo 2^128, and any number of such steps at once. */
    record Congruence(
            long stateHigh,
            long stateLow,
            long incrementHigh,
            long incrementLow,
            long multiplierHigh,
            long multiplierLow) {
        static Congruence of(long[] state, long multiplierHigh, long multiplierLow) {
            return new Congruence(state[0], state[1], state[2], state[3], multiplierHigh, multiplierLow);
        }

        /** The state after {@code steps} steps: the map of 1, 2, 4, … steps, composed where the number has a bit. */
        Walk at(long steps) {
            long allMultiplierHigh = 0;
            long allMultiplierLow = 1;
            long allIncrementHigh = 0;
            long allIncrementLow = 0;
            long powerHigh = multiplierHigh;
            long powerLow = multiplierLow;
            long addHigh = incrementHigh;
            long addLow = incrementLow;
            for (long left = steps; left != 0; left >>>= 1) {
                if ((left & 1) != 0) {
                    long high = productHigh(allMultiplierHigh, allMultiplierLow, powerHigh, powerLow);
                    allMultiplierLow = allMultiplierLow * powerLow;
                    allMultiplierHigh = high;
                    long low = allIncrementLow * powerLow;
                    high = productHigh(allIncrementHigh, allIncrementLow, powerHigh, powerLow);
                    allIncrementLow = low + addLow;
                    allIncrementHigh = high + addHigh + carry(allIncrementLow, low);
                }
                // Twice x → p x + a is x → p p x + (p + 1) a.
                long onceLow = powerLow + 1;
                long onceHigh = powerHigh + (onceLow == 0 ? 1 : 0);
                long high = productHigh(onceHigh, onceLow, addHigh, addLow);
                addLow = onceLow * addLow;
                addHigh = high;
                high = productHigh(powerHigh, powerLow, powerHigh, powerLow);
                powerLow = powerLow * powerLow;
                powerHigh = high;
            }
            Walk walk = new Walk(this);
            long low = stateLow * allMultiplierLow;
            walk.low = low + allIncrementLow;
            walk.high = productHigh(stateHigh, stateLow, allMultiplierHigh, allMultiplierLow)
                    + allIncrementHigh
                    + carry(walk.low, low);
            return walk;
        }

        private static long productHigh(long leftHigh, long leftLow, long rightHigh, long rightLow) {
            return Math.unsignedMultiplyHigh(leftLow, rightLow) + leftHigh * rightLow + leftLow * rightHigh;
        }

        private static long carry(long sum, long part) {
            return Long.compareUnsigned(sum, part) < 0 ? 1 : 0;
        }

        /** A state on its way. */
        static final class Walk {
            private final Congruence congruence;
            private long high;
            private long low;

            private Walk(Congruence congruence) {
                this.congruence = congruence;
            }

            void step() {
                long product = low * congruence.multiplierLow;
                high = productHigh(high, low, congruence.multiplierHigh, congruence.multiplierLow)
                        + congruence.incrementHigh;
                low = product + congruence.incrementLow;
                high += carry(low, product);
            }
        }
    }

    /**
     * NumPy's Philox 4x64 of ten rounds: four words for each value of a 256-bit counter, which is increased before.
     *
     * @param used how many words of the present counter's value are spent already
     */
    record Philox(long key0, long key1, long[] counter, int used) implements RandomWords {
        private static final int LANES = 4;
        private static final int ROUNDS = 10;
        private static final long MULTIPLIER_0 = 0xd2e7470ee14c6c93L;
        private static final long MULTIPLIER_1 = 0xca5a826395121157L;
        private static final long BUMP_0 = 0x9e3779b97f4a7c15L;
        private static final long BUMP_1 = 0xbb67ae8584caa73bL;

        static Philox of(long[] state) {
            if (state[6] < 0 || state[6] > LANES) {
                throw new ManipleException(Status.INVALID_PROGRAM, state[6] + " words of 4 are used", "");
            }
            return new Philox(state[0], state[1], new long[] {state[2], state[3], state[4], state[5]}, (int) state[6]);
        }

        @Override
        public void fill(long first, long[] words, int count) {
            long[] block = new long[LANES];
            long at = first + used;
            int index = 0;
            while (index < count) {
                block(at / LANES, block);
                for (int lane = (int) (at % LANES); lane < LANES && index < count; lane++) {
                    words[index++] = block[lane];
                    at++;
                }
            }
        }

        private void block(long number, long[] block) {
            long x0 = counter[0] + number;
            long carry = Long.compareUnsigned(x0, number) < 0 ? 1 : 0;
            long x1 = counter[1] + carry;
            carry = carry != 0 && x1 == 0 ? 1 : 0;
            long x2 = counter[2] + carry;
            carry = carry != 0 && x2 == 0 ? 1 : 0;
            long x3 = counter[3] + carry;
            long k0 = key0;
            long k1 = key1;
            for (int round = 0; round < ROUNDS; round++) {
                long high0 = Math.unsignedMultiplyHigh(MULTIPLIER_0, x0);
                long high1 = Math.unsignedMultiplyHigh(MULTIPLIER_1, x2);
                long low0 = MULTIPLIER_0 * x0;
                long low1 = MULTIPLIER_1 * x2;
                x0 = high1 ^ x1 ^ k0;
                x1 = low1;
                x2 = high0 ^ x3 ^ k1;
                x3 = low0;
                k0 += BUMP_0;
                k1 += BUMP_1;
            }
            block[0] = x0;
            block[1] = x1;
            block[2] = x2;
            block[3] = x3;
        }
    }
}
