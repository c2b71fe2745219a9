package io.maniple.cluster.hosting;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** Remembers what a host says. */
final class Notes implements WorkerHost.Listener {
    final List<String> notes = new CopyOnWriteArrayList<>();
    private final CompletableFuture<HostingException> failure = new CompletableFuture<>();

    @Override
    public void note(String message) {
        notes.add(message);
        System.out.println(message);
    }

    @Override
    public void failed(HostingException failure) {
        System.out.println("failed: " + failure.getMessage());
        this.failure.complete(failure);
    }

    String awaitFailure(int seconds) throws Exception {
        return String.valueOf(failure.get(seconds, TimeUnit.SECONDS).getMessage());
    }

    boolean hasFailed() {
        return failure.isDone();
    }
}
