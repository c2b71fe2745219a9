package io.maniple.cluster.hosting;

import java.util.List;
import java.util.stream.Stream;

/** What Spark needs of the JVM that it runs on; Spark itself gives its executors the same. */
final class SparkJava {
    static final List<String> FLAGS = Stream.concat(
                    Stream.of(
                            "-XX:+IgnoreUnrecognizedVMOptions",
                            "--enable-native-access=ALL-UNNAMED",
                            "--sun-misc-unsafe-memory-access=allow",
                            "-Djava.awt.headless=true",
                            "-Dio.netty.tryReflectionSetAccessible=true"),
                    Stream.of(
                                    "java.lang",
                                    "java.lang.invoke",
                                    "java.lang.reflect",
                                    "java.io",
                                    "java.net",
                                    "java.nio",
                                    "java.util",
                                    "java.util.concurrent",
                                    "java.util.concurrent.atomic",
                                    "jdk.internal.ref",
                                    "sun.nio.ch",
                                    "sun.nio.cs",
                                    "sun.util.calendar")
                            .map(name -> "--add-opens=java.base/" + name + "=ALL-UNNAMED"))
            .toList();

    private SparkJava() {}
}
