package io.maniple.server.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.OperationTable;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Buffer 0 is the client's, 1 the copy of it, 2 a result, 3 another buffer of the client's. */
class TestForwarding {
    private static final OperationTable TABLE = OperationTable.standard();
    private static final long SIDE = 10;

    private static Operand.View whole(int buffer, DType type) {
        return new Operand.View(buffer, Layout.contiguous(type, SIDE, SIDE), 0);
    }

    /** From one row on, all but one of them. */
    private static Operand.View rows(int buffer, DType type, long first) {
        long bytes = type.bytes();
        Layout layout = new Layout(type, new long[] {SIDE - 1, SIDE}, new long[] {SIDE * bytes, bytes});
        return new Operand.View(buffer, layout, first * SIDE * bytes);
    }

    private static Instruction instruction(String name, String signature, Operand... operands) {
        return new Instruction(TABLE.find(name, signature).orElseThrow().number(), List.of(operands), 1);
    }

    private static Instruction copy(DType from, DType to) {
        return instruction("copyto", to.character() + "->" + to.character(), whole(1, to), whole(0, from));
    }

    private static Instruction difference(DType type) {
        String signature = String.valueOf(type.character()).repeat(2) + "->" + type.character();
        return instruction("subtract", signature, rows(2, type, 0), rows(1, type, 1), rows(1, type, 0));
    }

    private static List<Instruction> forwarded(Instruction... instructions) {
        return new Forwarding(List.of(instructions), TABLE, buffer -> buffer == 1).run();
    }

    @Test
    void readsWhatTheCopyWasMadeOf() {
        List<Instruction> result = forwarded(copy(DType.UINT8, DType.INT32), difference(DType.INT32));
        assertThat(result).hasSize(1);
        assertThat(result.getFirst().operands())
                .containsExactly(rows(2, DType.INT32, 0), rows(0, DType.UINT8, 1), rows(0, DType.UINT8, 0));
    }

    @Test
    void goesThroughTheCopyOfACopy() {
        Instruction second = instruction("copyto", "d->d", whole(4, DType.FLOAT64), whole(1, DType.INT32));
        Instruction reader = instruction(
                "subtract", "dd->d", rows(2, DType.FLOAT64, 0), rows(4, DType.FLOAT64, 1), rows(4, DType.FLOAT64, 0));
        List<Instruction> result = new Forwarding(
                        List.of(copy(DType.UINT8, DType.INT32), second, reader),
                        TABLE,
                        buffer -> buffer == 1 || buffer == 4)
                .run();
        assertThat(result.getLast().operands())
                .containsExactly(rows(2, DType.FLOAT64, 0), rows(0, DType.UINT8, 1), rows(0, DType.UINT8, 0));
    }

    @Test
    void followsColumnsOfAReversedPicture() {
        Layout backwards = new Layout(DType.UINT8, new long[] {SIDE, SIDE}, new long[] {-SIDE, -1});
        Operand.View source = new Operand.View(0, backwards, SIDE * SIDE - 1);
        Layout column = new Layout(DType.INT16, new long[] {SIDE}, new long[] {2 * SIDE});
        List<Instruction> result = forwarded(
                instruction("copyto", "h->h", whole(1, DType.INT16), source),
                instruction(
                        "negative",
                        "h->h",
                        new Operand.View(2, Layout.contiguous(DType.INT16, SIDE), 0),
                        new Operand.View(1, column, 6)));
        assertThat(result).hasSize(1);
        assertThat(result.getFirst().view(1))
                .isEqualTo(new Operand.View(
                        0, new Layout(DType.UINT8, new long[] {SIDE}, new long[] {-SIDE}), SIDE * SIDE - 4));
    }

    @Test
    void keepsTheCopyWhereItsSourceChangesBeforeItIsRead() {
        Instruction change = instruction("copyto", "B->B", rows(0, DType.UINT8, 1), rows(3, DType.UINT8, 0));
        List<Instruction> program = List.of(copy(DType.UINT8, DType.INT32), change, difference(DType.INT32));
        assertThat(new Forwarding(program, TABLE, buffer -> buffer == 1).run()).isEqualTo(program);
    }

    @Test
    void keepsTheCopyThatIsChangedItself() {
        Instruction change = instruction("copyto", "i->i", rows(1, DType.INT32, 1), rows(3, DType.INT32, 0));
        List<Instruction> program = List.of(copy(DType.UINT8, DType.INT32), change, difference(DType.INT32));
        assertThat(new Forwarding(program, TABLE, buffer -> buffer == 1).run()).isEqualTo(program);
    }

    @Test
    void keepsTheCopyThatARoutineReads() {
        Instruction routine = instruction("sort", "i->i", whole(2, DType.INT32), whole(1, DType.INT32));
        List<Instruction> program = List.of(copy(DType.UINT8, DType.INT32), routine, difference(DType.INT32));
        assertThat(new Forwarding(program, TABLE, buffer -> buffer == 1).run()).isEqualTo(program);
    }

    @Test
    void keepsTheCopyThatOutlivesTheBatch() {
        List<Instruction> program = List.of(copy(DType.UINT8, DType.INT32), difference(DType.INT32));
        assertThat(new Forwarding(program, TABLE, buffer -> false).run()).isEqualTo(program);
    }

    @ParameterizedTest
    @CsvSource({
        "UINT8,INT16,true",
        "UINT8,INT8,false",
        "INT8,UINT16,false",
        "INT8,FLOAT16,true",
        "BOOL,UINT8,true",
        "UINT16,INT16,false",
        "UINT16,FLOAT32,true",
        "INT32,FLOAT32,false",
        "UINT32,FLOAT64,true",
        "INT64,FLOAT64,false",
        "FLOAT32,FLOAT64,false",
        "UINT8,COMPLEX64,false",
        "FLOAT64,FLOAT64,true"
    })
    void onlyConversionsThatKeepEveryValue(DType from, DType to, boolean exact) {
        assertThat(Forwarding.isExact(from, to)).isEqualTo(exact);
    }
}
