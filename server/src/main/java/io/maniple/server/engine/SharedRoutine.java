package io.maniple.server.engine;

/** What several workers do together, in the order of the methods; each shows all others something first. */
interface SharedRoutine extends AutoCloseable {
    /** Makes what is shown. */
    void compute();

    /** What is shown. */
    StepShare.Partials shown();

    /** Further exchanges, when all have seen it. */
    default void exchange(StepShare.Exchanges exchanges) {}

    /** Makes this worker's results. */
    void finish();

    @Override
    void close();
}
