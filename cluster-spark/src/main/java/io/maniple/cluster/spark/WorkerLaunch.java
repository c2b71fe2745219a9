package io.maniple.cluster.spark;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/** How a worker is started; it travels to the executors inside the task, over connections that Spark encrypts. */
record WorkerLaunch(String[] arguments, HashMap<String, String> environment, String secret) implements Serializable {
    WorkerLaunch(String[] arguments, Map<String, String> environment, String secret) {
        this(arguments, new HashMap<>(environment), secret);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "WorkerLaunch[" + String.join(" ", arguments) + "]";
    }
}
