package io.maniple.cluster;

import io.maniple.server.distribution.Mappings;
import io.maniple.server.store.SpillSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a cluster is to be.
 *
 * @param workers how many
 * @param listen the address of this machine under which workers reach the server
 * @param workerCommand how a worker is started, up to its own arguments
 * @param workerThreads threads of each that compute
 * @param workerMemory most memory of each, in bytes
 * @param checkpointDirectory a directory that all workers see; empty: no checkpoints are made
 * @param checkpointInterval how long what a session does may have to be done again
 * @param spilling what workers do with arrays that their memory has no room for
 * @param mapping how arrays and work are cut, as {@link Mappings#find} takes it
 * @param mappingJar where that is, on every machine, unless it is our own
 * @param patience how long a session waits for all workers to be there
 */
public record ClusterSettings(
        int workers,
        String listen,
        List<String> workerCommand,
        int workerThreads,
        long workerMemory,
        Optional<Path> checkpointDirectory,
        Duration checkpointInterval,
        SpillSettings spilling,
        String mapping,
        Optional<Path> mappingJar,
        Duration patience) {
    public ClusterSettings {
        workerCommand = List.copyOf(workerCommand);
    }
}
