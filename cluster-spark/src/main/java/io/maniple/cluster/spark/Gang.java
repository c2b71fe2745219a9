package io.maniple.cluster.spark;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import scala.Function1;
import scala.collection.Iterator;
import scala.reflect.ClassTag$;

/** The job that never ends: one task for each worker, all of them or none. */
final class Gang {
    private static final String GROUP = "maniple-workers";

    private final JavaSparkContext context;
    private final Launch launch;
    private final Events events;
    private volatile boolean stopping;

    Gang(JavaSparkContext context, Launch launch, Events events) {
        this.context = context;
        this.launch = launch;
        this.events = events;
    }

    /** Keeps the workers running until {@link #stop}, or until Spark ends the application. */
    void run() {
        while (!stopping && !context.sc().isStopped()) {
            try {
                context.setJobGroup(GROUP, launch.workers() + " Maniple workers", false);
                submit();
            } catch (Exception e) {
                if (!stopping && !context.sc().isStopped()) {
                    events.attemptFailed(
                            String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString()));
                }
            }
        }
    }

    /**
     * Spark starts a failed barrier stage again unless it is the last one of its job, so another stage follows that
     * never comes to run.
     */
    private void submit() {
        List<Integer> numbers = IntStream.range(0, launch.workers()).boxed().toList();
        JavaRDD<Integer> slots = context.parallelize(numbers, launch.workers());
        WorkerTask task = new WorkerTask(launch.worker());
        Function1<Iterator<Integer>, Iterator<String>> run =
                (Function1<Iterator<Integer>, Iterator<String>> & Serializable) ignored -> runUnchecked(task);
        slots.rdd()
                .barrier()
                .mapPartitions(run, false, ClassTag$.MODULE$.apply(String.class))
                .toJavaRDD()
                .repartition(1)
                .collect();
    }

    private static Iterator<String> runUnchecked(WorkerTask task) {
        try {
            return task.run();
        } catch (Exception e) {
            throw Gang.<RuntimeException>unchecked(e);
        }
    }

    /** Scala knows no checked exceptions, and a wrapper would hide the message. */
    @SuppressWarnings("unchecked")
    private static <E extends Exception> E unchecked(Exception failure) throws E {
        throw (E) failure;
    }

    void stop() {
        stopping = true;
        context.sc().cancelJobGroup(GROUP, WorkerTask.STOP);
    }
}
