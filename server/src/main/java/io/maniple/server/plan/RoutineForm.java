package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a routine (an operation with code of its own) demands of its operands, by which they are checked at the door and
 * laid out by the planner. The code itself is the engine's {@code RoutineCode} of the same name.
 *
 * <p>Operands are the outputs, the inputs and then {@link #scalars()} scalars. The types of outputs and inputs are those
 * of the operation's signature; further inputs have the type of its last one.
 */
public interface RoutineForm {
    /**
     * What is wrong with the operands' shapes, or null. Their number is at least that of the signature's outputs.
     *
     * @param layouts of outputs and inputs as the client wrote them: of any type, any strides
     */
    @Nullable String check(List<Layout> layouts);

    /** How many scalars follow the views, each of type int64. */
    default int scalars() {
        return 0;
    }

    /** Whether the outputs' old contents matter: what is not written keeps them. */
    default boolean updates() {
        return false;
    }

    /** Whether an input that is not contiguous in C order may stay as it lies. */
    default boolean acceptsStrided(Layout layout) {
        return false;
    }

    /**
     * Whether an input may keep a type other than the signature's: of whole numbers that the processor's code reads as they
     * are. A device's code reads the signature's types only.
     *
     * @param views outputs and inputs as the client wrote them
     */
    default boolean acceptsType(List<Operand.View> views, int input) {
        return false;
    }

    /**
     * Which operands can be cut along their first dimension, all at the same places, into parts that are worth as much as
     * the whole, to the bit; the others belong to every part. The first operand is one of those that can.
     *
     * @param views outputs and inputs
     * @return one entry an operand; none if the operation cannot be cut
     */
    default boolean[] cutRows(List<Operand.View> views) {
        return NO_CUT;
    }

    /** Parts begin at a multiple of so many rows. */
    default long rowsTogether(List<Operand.View> views) {
        return 1;
    }

    /** How several workers do an operation together. */
    enum Sharing {
        /** By {@link #cutRows}. */
        ROWS,
        /** Any of the first output's elements are made by themselves, without inputs, and further outputs by anybody. */
        ITEMS,
        /** A vector is sorted: out, in. */
        SORTED,
        /** What a mask chooses comes one behind the other: out, count, in, mask. */
        SELECTED,
        /** Integers that are sums over the elements of the first input, a vector. */
        COUNTED
    }

    /** @param views outputs and inputs */
    default Sharing sharing(List<Operand.View> views) {
        return Sharing.ROWS;
    }

    /** The operation cannot be cut. */
    boolean[] NO_CUT = {};

    /** Whether outputs may lie as they like, as long as no element lies on another. */
    default boolean acceptsStridedOutputs() {
        return false;
    }
}
