package io.maniple.cluster.hosting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestSparkSettings {
    private static final Map<String, String> PLACES = Map.of(
            "MANIPLE_SPARK_JAVA", "/java/bin/java",
            "MANIPLE_SPARK_HOME", "/spark",
            "MANIPLE_SPARK_HOST_JAR", "/host.jar");

    @TempDir
    Path directory;

    @Test
    void whereSparkIsTheLauncherSays() throws Exception {
        SparkSettings settings = SparkSettings.ofEnvironment(PLACES, "spark://a:7077", "open sesame", 0);
        assertThat(settings.java()).isEqualTo(Path.of("/java/bin/java"));
        assertThat(settings.sparkHome()).isEqualTo(Path.of("/spark"));
        assertThat(settings.hostJar()).isEqualTo(Path.of("/host.jar"));
        assertThat(settings.threads()).isEqualTo(1);
        assertThat(settings.toString()).doesNotContain("open sesame");
        assertThat(settings.slotWait()).isLessThan(SparkSettings.usualSlotWait("yarn"));
    }

    @Test
    void whatTheLauncherDidNotFindIsNamed() {
        assertThatThrownBy(() -> SparkSettings.ofEnvironment(Map.of(), "yarn", null, 1))
                .isInstanceOf(HostingException.class)
                .hasMessageContaining("pip install 'maniple[cluster]'");
    }

    @Test
    void readsSparksOwnSettings() throws Exception {
        Path file = Files.writeString(
                directory.resolve("conf"), "# ours\nspark.yarn.queue  large\nspark.a=b c \n\nspark.empty\n");
        assertThat(SparkSettings.read(file))
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("spark.yarn.queue", "large", "spark.a", "b c", "spark.empty", ""));
    }

    @Test
    void otherSettingsAreNamed() throws Exception {
        Path file = Files.writeString(directory.resolve("conf"), "yarn.queue large\n");
        assertThatThrownBy(() -> SparkSettings.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("yarn.queue");
    }

    @Test
    void whatIsNotThereIsNamed() throws Exception {
        for (Map.Entry<String, String> place : Map.of(
                        "MANIPLE_SPARK_JAVA", "no Java for Spark at /nowhere",
                        "MANIPLE_SPARK_HOME", "no Spark at /nowhere",
                        "MANIPLE_SPARK_HOST_JAR", "the jar for Spark's executors is not at /nowhere")
                .entrySet()) {
            Files.createDirectories(directory.resolve("jars"));
            Map<String, String> places = new HashMap<>(Map.of(
                    "MANIPLE_SPARK_JAVA", "/bin/sh",
                    "MANIPLE_SPARK_HOME", directory.toString(),
                    "MANIPLE_SPARK_HOST_JAR", "/etc/passwd"));
            places.put(place.getKey(), "/nowhere");
            Notes notes = new Notes();
            try (SparkWorkerHost host =
                    new SparkWorkerHost(SparkSettings.ofEnvironment(places, "spark://127.0.0.1:1", null, 1))) {
                host.start(new StandInWorkers(directory).command(), 1, notes);
                assertThat(notes.awaitFailure(20)).contains(place.getValue());
            }
        }
    }

    @Test
    void understandsEvents() {
        assertThat(SparkEvent.parse("{\"event\":\"slots\",\"asked\":4,\"available\":2}"))
                .isEqualTo(new SparkEvent.Slots(4, 2));
        assertThat(SparkEvent.parse("{\"event\":\"executor-added\",\"executor\":\"0\",\"host\":\"h\",\"slots\":1}"))
                .isEqualTo(new SparkEvent.ExecutorAdded("0", "h", 1));
        for (String line : new String[] {"", "hello", "{\"event\":\"new\"}", "{\"event\":\"ui\"}", "[1", "{}"}) {
            assertThat(SparkEvent.parse(line)).isEqualTo(new SparkEvent.Other(line));
        }
    }
}
