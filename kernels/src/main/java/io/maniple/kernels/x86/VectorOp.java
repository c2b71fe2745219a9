package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.Form.BLEND;
import static io.maniple.kernels.x86.VectorOp.Form.FUSED;
import static io.maniple.kernels.x86.VectorOp.Form.MASKED;
import static io.maniple.kernels.x86.VectorOp.Form.MASKS;
import static io.maniple.kernels.x86.VectorOp.Form.MOVE;
import static io.maniple.kernels.x86.VectorOp.Form.ONE;
import static io.maniple.kernels.x86.VectorOp.Form.ONE_IMMEDIATE;
import static io.maniple.kernels.x86.VectorOp.Form.REVERSED;
import static io.maniple.kernels.x86.VectorOp.Form.REVERSED_IMMEDIATE;
import static io.maniple.kernels.x86.VectorOp.Form.SHIFT;
import static io.maniple.kernels.x86.VectorOp.Form.TWO;
import static io.maniple.kernels.x86.VectorOp.Form.TWO_IMMEDIATE;

import java.util.EnumSet;
import java.util.Set;

/**
 * The vector instructions in use: prefix (0 none, 1 66, 2 F3, 3 F2), opcode map (1 0F, 2 0F38, 3 0F3A), the W bit of the
 * VEX encoding and the opcode, with what the allocator must know of each. The EVEX encoding has the same prefix, map
 * and opcode, its W bit is in {@link #wideInEvex}.
 */
enum VectorOp {
    ADDPS(TWO, 0, 1, 0x58),
    ADDPD(TWO, 1, 1, 0x58),
    SUBPS(TWO, 0, 1, 0x5C),
    SUBPD(TWO, 1, 1, 0x5C),
    MULPS(TWO, 0, 1, 0x59),
    MULPD(TWO, 1, 1, 0x59),
    DIVPS(TWO, 0, 1, 0x5E),
    DIVPD(TWO, 1, 1, 0x5E),
    MINPS(TWO, 0, 1, 0x5D),
    MINPD(TWO, 1, 1, 0x5D),
    MAXPS(TWO, 0, 1, 0x5F),
    MAXPD(TWO, 1, 1, 0x5F),
    ANDPS(TWO, 0, 1, 0x54),
    XORPS(TWO, 0, 1, 0x57),
    CMPPS(TWO_IMMEDIATE, 0, 1, 0xC2),
    CMPPD(TWO_IMMEDIATE, 1, 1, 0xC2),
    SQRTPS(ONE, 0, 1, 0x51),
    SQRTPD(ONE, 1, 1, 0x51),
    ROUNDPS(ONE_IMMEDIATE, 1, 3, 0x08),
    ROUNDPD(ONE_IMMEDIATE, 1, 3, 0x09),
    BLENDVPS(BLEND, 1, 3, 0x4A),
    BLENDVPD(BLEND, 1, 3, 0x4B),
    PBLENDVB(BLEND, 1, 3, 0x4C),

    CVTDQ2PS(ONE, 0, 1, 0x5B),
    CVTTPS2DQ(ONE, 2, 1, 0x5B),
    CVTDQ2PD(ONE, 2, 1, 0xE6, 2),
    /** Narrowing: the vector length is that of the source. */
    CVTTPD2DQ(ONE, 1, 1, 0xE6),
    CVTPS2PD(ONE, 0, 1, 0x5A, 2),
    CVTPD2PS(ONE, 1, 1, 0x5A),
    CVTPH2PS(ONE, 1, 2, 0x13, 2),
    CVTPS2PH(REVERSED_IMMEDIATE, 1, 3, 0x1D),

    PMOVSXBW(ONE, 1, 2, 0x20, 2),
    PMOVSXBD(ONE, 1, 2, 0x21, 4),
    PMOVSXBQ(ONE, 1, 2, 0x22, 8),
    PMOVSXWD(ONE, 1, 2, 0x23, 2),
    PMOVSXWQ(ONE, 1, 2, 0x24, 4),
    PMOVSXDQ(ONE, 1, 2, 0x25, 2),
    PMOVZXBW(ONE, 1, 2, 0x30, 2),
    PMOVZXBD(ONE, 1, 2, 0x31, 4),
    PMOVZXBQ(ONE, 1, 2, 0x32, 8),
    PMOVZXWD(ONE, 1, 2, 0x33, 2),
    PMOVZXWQ(ONE, 1, 2, 0x34, 4),
    PMOVZXDQ(ONE, 1, 2, 0x35, 2),

    PSHUFB(TWO, 1, 2, 0x00),
    PSHUFD(ONE_IMMEDIATE, 1, 1, 0x70),
    PERMD(TWO, 1, 2, 0x36),
    PERMQ(ONE_IMMEDIATE, 1, 3, 0x00, true),
    EXTRACT128(REVERSED_IMMEDIATE, 1, 3, 0x39),
    INSERT128(TWO_IMMEDIATE, 1, 3, 0x38, 2),
    PBLENDD(TWO_IMMEDIATE, 1, 3, 0x02),
    PUNPCKLQDQ(TWO, 1, 1, 0x6C),
    PUNPCKHQDQ(TWO, 1, 1, 0x6D),
    PUNPCKLDQ(TWO, 1, 1, 0x62),
    PUNPCKHDQ(TWO, 1, 1, 0x6A),

    PADDB(TWO, 1, 1, 0xFC),
    PADDW(TWO, 1, 1, 0xFD),
    PADDD(TWO, 1, 1, 0xFE),
    PADDQ(TWO, 1, 1, 0xD4),
    PSUBB(TWO, 1, 1, 0xF8),
    PSUBW(TWO, 1, 1, 0xF9),
    PSUBD(TWO, 1, 1, 0xFA),
    PSUBQ(TWO, 1, 1, 0xFB),
    PMULLW(TWO, 1, 1, 0xD5),
    PMULLD(TWO, 1, 2, 0x40),
    PMULUDQ(TWO, 1, 1, 0xF4),
    PMINSB(TWO, 1, 2, 0x38),
    PMINSW(TWO, 1, 1, 0xEA),
    PMINSD(TWO, 1, 2, 0x39),
    PMINUB(TWO, 1, 1, 0xDA),
    PMINUW(TWO, 1, 2, 0x3A),
    PMINUD(TWO, 1, 2, 0x3B),
    PMAXSB(TWO, 1, 2, 0x3C),
    PMAXSW(TWO, 1, 1, 0xEE),
    PMAXSD(TWO, 1, 2, 0x3D),
    PMAXUB(TWO, 1, 1, 0xDE),
    PMAXUW(TWO, 1, 2, 0x3E),
    PMAXUD(TWO, 1, 2, 0x3F),
    PABSB(ONE, 1, 2, 0x1C),
    PABSW(ONE, 1, 2, 0x1D),
    PABSD(ONE, 1, 2, 0x1E),
    PAND(TWO, 1, 1, 0xDB),
    /** not first and second. */
    PANDN(TWO, 1, 1, 0xDF),
    POR(TWO, 1, 1, 0xEB),
    PXOR(TWO, 1, 1, 0xEF),
    PCMPEQB(TWO, 1, 1, 0x74),
    PCMPEQW(TWO, 1, 1, 0x75),
    PCMPEQD(TWO, 1, 1, 0x76),
    PCMPEQQ(TWO, 1, 2, 0x29),
    PCMPGTB(TWO, 1, 1, 0x64),
    PCMPGTW(TWO, 1, 1, 0x65),
    PCMPGTD(TWO, 1, 1, 0x66),
    PCMPGTQ(TWO, 1, 2, 0x37),
    PSLLVD(TWO, 1, 2, 0x47),
    PSLLVQ(TWO, 1, 2, 0x47, true),
    PSRLVD(TWO, 1, 2, 0x45),
    PSRLVQ(TWO, 1, 2, 0x45, true),
    PSRAVD(TWO, 1, 2, 0x46),
    PSRLW(SHIFT, 1, 1, 0x71, 2),
    PSRAW(SHIFT, 1, 1, 0x71, 4),
    PSLLW(SHIFT, 1, 1, 0x71, 6),
    PSRLD(SHIFT, 1, 1, 0x72, 2),
    PSRAD(SHIFT, 1, 1, 0x72, 4),
    PSLLD(SHIFT, 1, 1, 0x72, 6),
    PSRLQ(SHIFT, 1, 1, 0x73, 2),
    PSLLQ(SHIFT, 1, 1, 0x73, 6),
    /** Bytes, within 128-bit halves. */
    PSRLDQ(SHIFT, 1, 1, 0x73, 3),

    MOVUPS_LOAD(MOVE, 0, 1, 0x10),
    MOVUPS_STORE(MOVE, 0, 1, 0x11),
    MOVAPS(MOVE, 0, 1, 0x28),
    MOVAPS_STORE(MOVE, 0, 1, 0x29),
    MOVNTPS(MOVE, 0, 1, 0x2B),
    MOVD_LOAD(MOVE, 1, 1, 0x6E),
    MOVD_STORE(MOVE, 1, 1, 0x7E),
    /** From a general-purpose register or memory. */
    MOVQ_LOAD(MOVE, 1, 1, 0x6E, true),
    /** To a general-purpose register or memory. */
    MOVQ_STORE(MOVE, 1, 1, 0x7E, true),
    PINSRB(MOVE, 1, 3, 0x20),
    PINSRW(MOVE, 1, 1, 0xC4),
    PINSRD(MOVE, 1, 3, 0x22),
    PINSRQ(MOVE, 1, 3, 0x22, true),
    PEXTRB(MOVE, 1, 3, 0x14),
    PEXTRW(MOVE, 1, 3, 0x15),
    PEXTRD(MOVE, 1, 3, 0x16),
    PEXTRQ(MOVE, 1, 3, 0x16, true),
    /** destination + first * second. */
    FMADD231PS(FUSED, 1, 2, 0xB8),
    FMADD231PD(FUSED, 1, 2, 0xB8, true),
    /** first * second - destination. */
    FMSUB231PS(FUSED, 1, 2, 0xBA),
    FMSUB231PD(FUSED, 1, 2, 0xBA, true),
    /** destination - first * second. */
    FNMADD231PS(FUSED, 1, 2, 0xBC),
    FNMADD231PD(FUSED, 1, 2, 0xBC, true),
    /** The same with first * destination and second in their places. */
    FMADD213PS(MOVE, 1, 2, 0xA8),
    FMADD213PD(MOVE, 1, 2, 0xA8, true),
    FMSUB213PS(MOVE, 1, 2, 0xAA),
    FMSUB213PD(MOVE, 1, 2, 0xAA, true),
    FNMADD213PS(MOVE, 1, 2, 0xAC),
    FNMADD213PD(MOVE, 1, 2, 0xAC, true),
    MASKMOVPS_LOAD(MOVE, 1, 2, 0x2C),
    MASKMOVPD_LOAD(MOVE, 1, 2, 0x2D),
    MASKMOVPS_STORE(MOVE, 1, 2, 0x2E),
    MASKMOVPD_STORE(MOVE, 1, 2, 0x2F),
    PBROADCASTB(MOVE, 1, 2, 0x78),
    PBROADCASTW(MOVE, 1, 2, 0x79),
    PBROADCASTD(MOVE, 1, 2, 0x58),
    PBROADCASTQ(MOVE, 1, 2, 0x59),
    MOVSS_LOAD(MOVE, 2, 1, 0x10),
    MOVSD_LOAD(MOVE, 3, 1, 0x10),
    MOVSS_STORE(MOVE, 2, 1, 0x11),
    MOVSD_STORE(MOVE, 3, 1, 0x11),
    CVTTSD2SI(MOVE, 3, 1, 0x2C, true),
    CVTTSS2SI(MOVE, 2, 1, 0x2C, true),
    CVTSI2SS(MOVE, 2, 1, 0x2A, true),
    SUBSS(MOVE, 2, 1, 0x5C),
    SUBSD(MOVE, 3, 1, 0x5C),
    ADDSS(MOVE, 2, 1, 0x58),
    MOVMSKPD(MOVE, 1, 1, 0x50),
    PTEST(MOVE, 1, 2, 0x17),
    UCOMISS(MOVE, 0, 1, 0x2E),
    UCOMISD(MOVE, 1, 1, 0x2E),

    // What follows is AVX-512's only.

    PABSQ(ONE, 1, 2, 0x1F),
    /** By lanes of an index; the table is what stands last. */
    PERMQ_BY(TWO, 1, 2, 0x36),
    SHUF64X2(TWO_IMMEDIATE, 1, 3, 0x43),
    /** The lanes of a mask come together; the destination stands last. */
    PCOMPRESSQ(MOVE, 1, 2, 0x8B),
    PMINSQ(TWO, 1, 2, 0x39),
    PMINUQ(TWO, 1, 2, 0x3B),
    PMAXSQ(TWO, 1, 2, 0x3D),
    PMAXUQ(TWO, 1, 2, 0x3F),
    PMULLQ(TWO, 1, 2, 0x40),
    PSRAVQ(TWO, 1, 2, 0x46),
    PSRAQ(SHIFT, 1, 1, 0x72, 4),
    CVTQQ2PD(ONE, 2, 1, 0xE6),
    CVTUQQ2PD(ONE, 2, 1, 0x7A),
    /** Narrowing: the vector length is that of the source. */
    CVTQQ2PS(ONE, 0, 1, 0x5B),
    CVTUQQ2PS(ONE, 3, 1, 0x7A),
    CVTTPD2QQ(ONE, 1, 1, 0x7A),
    CVTTPS2QQ(ONE, 1, 1, 0x7A, 2),
    CVTUDQ2PD(ONE, 2, 1, 0x7A, 2),
    CVTUDQ2PS(ONE, 3, 1, 0x7A),
    PMOVQD(REVERSED, 2, 2, 0x35),
    PMOVQW(REVERSED, 2, 2, 0x34),
    PMOVQB(REVERSED, 2, 2, 0x32),
    PMOVDW(REVERSED, 2, 2, 0x33),
    PMOVDB(REVERSED, 2, 2, 0x31),
    PMOVWB(REVERSED, 2, 2, 0x30),
    EXTRACT256(REVERSED_IMMEDIATE, 1, 3, 0x3B),
    INSERT256(TWO_IMMEDIATE, 1, 3, 0x3A, 2),

    /** A mask of the lanes that have a bit in common. */
    PTESTMB(TWO, 1, 2, 0x26),
    PTESTMW(TWO, 1, 2, 0x26),
    PTESTMD(TWO, 1, 2, 0x27),
    PTESTMQ(TWO, 1, 2, 0x27),
    BLENDMB(BLEND, 1, 2, 0x66),
    BLENDMW(BLEND, 1, 2, 0x66),
    BLENDMD(BLEND, 1, 2, 0x64),
    BLENDMQ(BLEND, 1, 2, 0x64),
    /** Lanes of 0 and -1. */
    PMOVM2B(ONE, 2, 2, 0x28),
    PMOVM2W(ONE, 2, 2, 0x28),
    PMOVM2D(ONE, 2, 2, 0x38),
    PMOVM2Q(ONE, 2, 2, 0x38),
    /** The destination and the last operand are the table, the other one says which elements. */
    PERMT2B(MOVE, 1, 2, 0x7D),
    PERMT2W(MOVE, 1, 2, 0x7D),
    PERMT2D(MOVE, 1, 2, 0x7E),
    PERMT2Q(MOVE, 1, 2, 0x7E),
    MOVDQU8_LOAD(MASKED, 3, 1, 0x6F),
    MOVDQU16_LOAD(MASKED, 3, 1, 0x6F),
    MOVDQU32_LOAD(MASKED, 2, 1, 0x6F),
    MOVDQU64_LOAD(MASKED, 2, 1, 0x6F),
    MOVDQU8_STORE(MOVE, 3, 1, 0x7F),
    MOVDQU16_STORE(MOVE, 3, 1, 0x7F),
    MOVDQU32_STORE(MOVE, 2, 1, 0x7F),
    MOVDQU64_STORE(MOVE, 2, 1, 0x7F),

    KAND(MASKS, 0, 1, 0x41, true),
    /** not first and second. */
    KANDN(MASKS, 0, 1, 0x42, true),
    KOR(MASKS, 0, 1, 0x45, true),
    KXOR(MASKS, 0, 1, 0x47, true),
    KMOV_LOAD(MOVE, 0, 1, 0x90, true),
    KMOV_STORE(MOVE, 0, 1, 0x91, true),
    /** To a general-purpose register. */
    KMOV_GPR(MOVE, 3, 1, 0x93, true);

    /** How operands are encoded. */
    enum Form {
        /** destination, one source that may be memory. */
        ONE,
        ONE_IMMEDIATE,
        /** destination, a register, a source that may be memory. */
        TWO,
        TWO_IMMEDIATE,
        /** no, yes (may be memory), mask. */
        BLEND,
        /** A source that may be memory, mask; zeros elsewhere. */
        MASKED,
        /** Two factors and a term; one of the three is overwritten. */
        FUSED,
        /** On mask registers. */
        MASKS,
        /** The destination takes the place of the memory operand. */
        REVERSED,
        REVERSED_IMMEDIATE,
        /** By an immediate; the opcode is completed by three bits. */
        SHIFT,
        /** Emitted by hand. */
        MOVE
    }

    private static final Set<VectorOp> WIDE_IN_EVEX = EnumSet.of(
            ADDPD,
            SUBPD,
            MULPD,
            DIVPD,
            MINPD,
            MAXPD,
            CMPPD,
            SQRTPD,
            ROUNDPD,
            CVTTPD2DQ,
            CVTPD2PS,
            PERMQ,
            PUNPCKLQDQ,
            PUNPCKHQDQ,
            FMADD231PD,
            PERMQ_BY,
            SHUF64X2,
            PCOMPRESSQ,
            FMSUB231PD,
            FNMADD231PD,
            FMADD213PD,
            FMSUB213PD,
            FNMADD213PD,
            PADDQ,
            PSUBQ,
            PMULUDQ,
            PCMPEQQ,
            PCMPGTQ,
            PSLLVQ,
            PSRLVQ,
            PSRLQ,
            PSLLQ,
            MOVQ_LOAD,
            MOVQ_STORE,
            PINSRQ,
            PEXTRQ,
            PBROADCASTQ,
            MOVSD_LOAD,
            MOVSD_STORE,
            CVTTSD2SI,
            CVTTSS2SI,
            CVTSI2SS,
            SUBSD,
            UCOMISD,
            PABSQ,
            PMINSQ,
            PMINUQ,
            PMAXSQ,
            PMAXUQ,
            PMULLQ,
            PSRAVQ,
            PSRAQ,
            CVTQQ2PD,
            CVTUQQ2PD,
            CVTQQ2PS,
            CVTUQQ2PS,
            CVTTPD2QQ,
            EXTRACT256,
            INSERT256,
            PTESTMW,
            PTESTMQ,
            BLENDMW,
            BLENDMQ,
            PMOVM2W,
            PMOVM2Q,
            PERMT2W,
            PERMT2Q,
            MOVDQU16_LOAD,
            MOVDQU64_LOAD,
            MOVDQU16_STORE,
            MOVDQU64_STORE);

    private final Form form;
    private final int prefix;
    private final int map;
    private final int opcode;
    private final boolean wideElement;
    private final int extra;

    VectorOp(Form form, int prefix, int map, int opcode, boolean wideElement, int extra) {
        this.form = form;
        this.prefix = prefix;
        this.map = map;
        this.opcode = opcode;
        this.wideElement = wideElement;
        this.extra = extra;
    }

    VectorOp(Form form, int prefix, int map, int opcode) {
        this(form, prefix, map, opcode, false, 1);
    }

    VectorOp(Form form, int prefix, int map, int opcode, boolean wideElement) {
        this(form, prefix, map, opcode, wideElement, 1);
    }

    VectorOp(Form form, int prefix, int map, int opcode, int extra) {
        this(form, prefix, map, opcode, false, extra);
    }

    Form form() {
        return form;
    }

    int prefix() {
        return prefix;
    }

    int map() {
        return map;
    }

    int opcode() {
        return opcode;
    }

    boolean wideElement() {
        return wideElement;
    }

    boolean wideInEvex() {
        return WIDE_IN_EVEX.contains(this);
    }

    /** SHIFT: the three bits that complete the opcode. */
    int extension() {
        return extra;
    }

    /** Bytes a memory operand in the last place is read for by an instruction on vectors of {@code size} bytes. */
    int memoryBytes(int size) {
        return size / extra;
    }

    /** FUSED: the instruction that overwrites a factor instead of the term. */
    VectorOp overFactor() {
        return switch (this) {
            case FMADD231PS -> FMADD213PS;
            case FMADD231PD -> FMADD213PD;
            case FMSUB231PS -> FMSUB213PS;
            case FMSUB231PD -> FMSUB213PD;
            case FNMADD231PS -> FNMADD213PS;
            case FNMADD231PD -> FNMADD213PD;
            default -> throw new IllegalArgumentException(this + " is not fused");
        };
    }

    /** Whether the two sources may change places (NaN payloads aside). */
    boolean commutes() {
        return switch (this) {
            case ADDPS,
                    ADDPD,
                    MULPS,
                    MULPD,
                    ANDPS,
                    XORPS,
                    PADDB,
                    PADDW,
                    PADDD,
                    PADDQ,
                    PMULLW,
                    PMULLD,
                    PMULUDQ,
                    PAND,
                    POR,
                    PXOR,
                    PCMPEQB,
                    PCMPEQW,
                    PCMPEQD,
                    PCMPEQQ,
                    PMINSB,
                    PMINSW,
                    PMINSD,
                    PMINUB,
                    PMINUW,
                    PMINUD,
                    PMAXSB,
                    PMAXSW,
                    PMAXSD,
                    PMAXUB,
                    PMAXUW,
                    PMAXUD,
                    PMINSQ,
                    PMINUQ,
                    PMAXSQ,
                    PMAXUQ,
                    PMULLQ -> true;
            default -> false;
        };
    }
}
