package io.maniple.server.engine;

/** What a routine does; its operands are laid out as its form in the planner demands. */
@FunctionalInterface
interface RoutineCode {
    void run(RoutineCall call);

    /** Of an operation whose form makes items: some of the first output's elements, and the further outputs whole. */
    default void run(RoutineCall call, long begin, long end) {
        throw new IllegalStateException("the operation cannot be cut");
    }
}
