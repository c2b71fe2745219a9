package io.maniple.cluster.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.Collections;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.resource.ResourceInformation;
import org.jspecify.annotations.Nullable;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;

/** The task that hosts one worker. It ends when Spark kills it, and fails when the worker ends. */
record WorkerTask(WorkerLaunch launch) implements Serializable {
    /** Why the job is cancelled when the workers are to end; any other reason lets them wait for the next task. */
    static final String STOP = "Maniple stops its workers";

    private static final int POLL_MILLISECONDS = 100;

    Iterator<String> run() throws IOException, WorkerEndedException {
        BarrierTaskContext context = BarrierTaskContext.get();
        String host = SparkEnv.get().blockManager().blockManagerId().host();
        Lease lease;
        try {
            lease = Leases.take(launch, host, gpus(context));
        } catch (IOException e) {
            throw new WorkerEndedException("a worker on " + host + " cannot be started: " + e.getMessage());
        }
        boolean ended = false;
        try {
            while (!ended) {
                if (context.isInterrupted()) {
                    break;
                }
                ended = lease.endsWithin(POLL_MILLISECONDS);
            }
            if (ended) {
                throw new WorkerEndedException("a worker on " + host + " " + lease.describeEnd());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            String reason = context.getKillReason().getOrElse(() -> "");
            if (ended || reason.contains(STOP)) {
                Leases.end(lease);
            } else {
                Leases.leave(lease);
            }
        }
        context.killTaskIfInterrupted();
        return CollectionConverters.asScala(Collections.<String>emptyIterator());
    }

    private static @Nullable String gpus(BarrierTaskContext context) {
        ResourceInformation gpus = context.resourcesJMap().get("gpu");
        return gpus == null ? null : String.join(",", gpus.addresses());
    }
}
