package io.maniple.server.engine;

/** What a routine does; its operands are laid out as its form in the planner demands. */
@FunctionalInterface
interface RoutineCode {
    void run(RoutineCall call);
}
