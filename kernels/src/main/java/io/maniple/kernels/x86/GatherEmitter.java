package io.maniple.kernels.x86;

import io.maniple.kernels.ir.GatherForm;
import io.maniple.kernels.ir.GatherForm.Arguments;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;

/**
 * Emits the code that copies rows by index. Bounds are compared on the way, so the indices are read once; while a row is
 * copied, one that comes later is asked for, since the processor does not guess where it lies.
 */
final class GatherEmitter {
    private static final int ALIGNMENT = 32;
    private static final int LINE = 64;
    /** Of a long row the processor guesses the further ones. */
    private static final int LINES_ASKED_FOR = 8;
    /** Moves that are made together in a long row. */
    private static final int TOGETHER = 4;

    private static final int ROW = Gpr.RAX;
    private static final int ROW_BYTES = Gpr.RCX;
    private static final int TARGET = Gpr.RDX;
    private static final int SPARE = Gpr.RSI;
    private static final int INDEX = Gpr.R8;
    private static final int END = Gpr.R9;
    private static final int ROWS = Gpr.R10;
    private static final int SOURCE = Gpr.R11;
    /** The callee's to keep. */
    private static final int OFFSET = Gpr.RBX;

    private final GatherForm form;
    private final int indexBytes;
    private final Assembler assembler;
    private final Label out = new Label();

    private GatherEmitter(InstructionSet set, GatherForm form) {
        if (form.width() > set.vectorBytes()) {
            throw new IllegalArgumentException("moves of " + form.width() + " bytes with " + set.title());
        }
        this.form = form;
        this.indexBytes = form.index().bytes();
        this.assembler = new Assembler(set);
    }

    static Executable compile(InstructionSet set, GatherForm form) throws CodeMemory.RefusedException {
        return new GatherEmitter(set, form).compile();
    }

    private static Memory argument(int place) {
        return Memory.at(Gpr.RDI, place);
    }

    private Executable compile() throws CodeMemory.RefusedException {
        assembler.push(OFFSET);
        assembler.load(INDEX, argument(Arguments.INDICES));
        assembler.load(ROWS, argument(Arguments.ROWS));
        assembler.load(ROW_BYTES, argument(Arguments.ROW_BYTES));
        assembler.load(SOURCE, argument(Arguments.SOURCE));
        assembler.load(TARGET, argument(Arguments.TARGET));
        if (form.distant()) {
            assembler.load(END, argument(Arguments.AHEAD));
            rows(true);
        }
        assembler.load(END, argument(Arguments.END));
        rows(false);
        assembler.bind(out);
        assembler.store(argument(Arguments.INDICES), INDEX);
        if (form.streaming()) {
            assembler.storeFence();
        }
        assembler.zeroUpper();
        assembler.pop(OFFSET);
        assembler.moveImmediate(Gpr.RAX, 0);
        assembler.ret();
        return new CompiledKernel(CodeMemory.of(assembler.finish(new byte[0])));
    }

    /** Copies rows until the index at {@link #END}. */
    private void rows(boolean asksAhead) {
        Label test = new Label();
        Label next = new Label();
        Label wrapped = new Label();
        Label within = new Label();
        assembler.jump(test);
        // An index from the end, or one that is out of bounds: adding the size carries only in the first case.
        assembler.bind(wrapped);
        assembler.alu(Alu.ADD, ROW, ROWS);
        assembler.jump(Condition.BELOW, within);
        assembler.jump(out);
        assembler.align(ALIGNMENT);
        assembler.bind(next);
        index(ROW, 0);
        assembler.alu(Alu.CMP, ROW, ROWS);
        assembler.jump(Condition.ABOVE_OR_EQUAL, wrapped);
        assembler.bind(within);
        assembler.multiply(ROW, ROW_BYTES);
        if (asksAhead) {
            ask();
        }
        assembler.alu(Alu.ADD, ROW, SOURCE);
        copy();
        assembler.alu(Alu.ADD, TARGET, ROW_BYTES);
        assembler.aluImmediate(Alu.ADD, INDEX, indexBytes);
        assembler.bind(test);
        assembler.alu(Alu.CMP, INDEX, END);
        assembler.jump(Condition.BELOW, next);
    }

    private void index(int register, int displacement) {
        Memory memory = Memory.at(INDEX, displacement);
        if (form.index().isSigned()) {
            assembler.loadSigned(indexBytes, register, memory);
        } else {
            assembler.load(indexBytes, register, memory);
        }
    }

    /** An index that is out of bounds, or counts from the end, asks for memory that nobody needs. */
    private void ask() {
        index(SPARE, form.ahead() * indexBytes);
        assembler.multiply(SPARE, ROW_BYTES);
        assembler.alu(Alu.ADD, SPARE, SOURCE);
        int bytes = form.moves() == 0 ? LINES_ASKED_FOR * LINE : form.moves() * form.width();
        int lines = Math.min(LINES_ASKED_FOR, (bytes + LINE - 1) / LINE);
        for (int line = 0; line < lines; line++) {
            // The last move begins earlier where it overlaps; the line before its end is asked for below.
            assembler.prefetch(Memory.at(SPARE, line * LINE));
        }
        if (form.moves() > 1) {
            assembler.prefetch(Memory.indexed(SPARE, ROW_BYTES, 0, -1));
        }
    }

    /** A row from {@link #ROW} to {@link #TARGET}. */
    private void copy() {
        if (form.moves() != 0) {
            for (int move = 0; move < form.moves(); move++) {
                load(move, place(ROW, move));
                if (!isVector()) {
                    store(move, place(TARGET, move));
                }
            }
            for (int move = 0; isVector() && move < form.moves(); move++) {
                store(move, place(TARGET, move));
            }
            return;
        }
        int together = TOGETHER * form.width();
        Label several = new Label();
        assembler.moveImmediate(OFFSET, 0);
        assembler.lea(SPARE, Memory.at(ROW_BYTES, -together));
        assembler.bind(several);
        for (int move = 0; move < TOGETHER; move++) {
            load(move, Memory.indexed(ROW, OFFSET, 0, move * form.width()));
        }
        for (int move = 0; move < TOGETHER; move++) {
            store(move, Memory.indexed(TARGET, OFFSET, 0, move * form.width()));
        }
        assembler.aluImmediate(Alu.ADD, OFFSET, together);
        assembler.alu(Alu.CMP, OFFSET, SPARE);
        assembler.jump(Condition.BELOW, several);
        for (int move = 0; move < TOGETHER; move++) {
            load(move, Memory.indexed(ROW, ROW_BYTES, 0, move * form.width() - together));
        }
        for (int move = 0; move < TOGETHER; move++) {
            store(move, Memory.indexed(TARGET, ROW_BYTES, 0, move * form.width() - together));
        }
    }

    /** Where a move begins; the last one ends where the row ends. */
    private Memory place(int row, int move) {
        return move > 0 && move == form.moves() - 1
                ? Memory.indexed(row, ROW_BYTES, 0, -form.width())
                : Memory.at(row, move * form.width());
    }

    private boolean isVector() {
        return form.width() > 8;
    }

    private void load(int move, Memory from) {
        if (isVector()) {
            assembler.vector(VectorOp.MOVUPS_LOAD, form.width(), move, 0, from);
        } else {
            assembler.load(form.width(), SPARE, from);
        }
    }

    private void store(int move, Memory to) {
        if (isVector()) {
            assembler.vector(form.streaming() ? VectorOp.MOVNTPS : VectorOp.MOVUPS_STORE, form.width(), move, 0, to);
        } else {
            assembler.store(form.width(), to, SPARE);
        }
    }
}
