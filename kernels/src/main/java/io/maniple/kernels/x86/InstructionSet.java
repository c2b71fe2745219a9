package io.maniple.kernels.x86;

import java.util.Set;

/** The instruction sets code is made for: how wide vectors are and how many registers hold them. */
enum InstructionSet {
    /** The vector functions of libjsvml that go with AVX2 use FMA; emitted code itself never fuses, NumPy does not. */
    AVX2("AVX2", 32, 16, Set.of("avx", "avx2", "f16c", "fma")),
    /** BMI2 makes masks from counts. */
    AVX512(
            "AVX-512",
            64,
            32,
            Set.of("avx", "avx2", "f16c", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi2"));

    /** A step of a kernel's loop treats this many bytes of the widest type, so that reductions give the same bits. */
    static final int STEP = 64;

    private final String title;
    private final int vectorBytes;
    private final int registers;
    private final Set<String> needed;

    InstructionSet(String title, int vectorBytes, int registers, Set<String> needed) {
        this.title = title;
        this.vectorBytes = vectorBytes;
        this.registers = registers;
        this.needed = needed;
    }

    String title() {
        return title;
    }

    int vectorBytes() {
        return vectorBytes;
    }

    int registers() {
        return registers;
    }

    /** Flags of /proc/cpuinfo. */
    Set<String> needed() {
        return needed;
    }

    /** How often a step repeats the kernel's body. */
    int bodiesPerStep() {
        return STEP / vectorBytes;
    }

    /** Whether comparisons give mask registers, and not lanes of 0 or -1. */
    boolean hasMaskRegisters() {
        return this == AVX512;
    }
}
