package io.maniple.cuda.nvidia;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Looks for NVIDIA's libraries: in given folders with what is below them, then where toolkits are. */
final class Libraries {
    private static final int DEPTH = 4;
    private static final List<Path> TOOLKITS =
            List.of(Path.of("/usr/local/cuda/lib64"), Path.of("/usr/lib/x86_64-linux-gnu"), Path.of("/usr/lib64"));

    private Libraries() {}

    /** @param name of the file; of each folder the newest comes first */
    static List<Path> find(List<Path> folders, Pattern name) {
        List<Path> found = new ArrayList<>();
        folders.forEach(folder -> found.addAll(libraries(folder, name, DEPTH)));
        TOOLKITS.forEach(folder -> found.addAll(libraries(folder, name, 1)));
        return found;
    }

    /** A toolkit's stubs open like the library and do nothing. */
    private static List<Path> libraries(Path folder, Pattern name, int depth) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder, depth, FileVisitOption.FOLLOW_LINKS)) {
            return files.filter(
                            file -> name.matcher(file.getFileName().toString()).matches())
                    .filter(file -> !file.toString().contains("/stubs/"))
                    .sorted(Comparator.comparing(
                                    (Path file) -> file.getFileName().toString())
                            .reversed())
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }
}
