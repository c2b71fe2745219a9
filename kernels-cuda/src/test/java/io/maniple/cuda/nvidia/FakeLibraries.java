package io.maniple.cuda.nvidia;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Assumptions;

/** Stand-ins for NVIDIA's libraries that work on the host's memory. */
final class FakeLibraries {
    private FakeLibraries() {}

    /**
     * Compiles one; without g++ the tests are left out.
     *
     * @param source a resource's name
     * @param library the file's name in the folder
     */
    static void compile(Path folder, String source, String library) throws Exception {
        Path copy = folder.resolve(source);
        try (InputStream stream = FakeLibraries.class.getResourceAsStream("/io/maniple/cuda/" + source)) {
            Files.copy(stream, copy, StandardCopyOption.REPLACE_EXISTING);
        }
        Process process;
        try {
            process = new ProcessBuilder(
                            "g++",
                            "-shared",
                            "-fPIC",
                            "-o",
                            folder.resolve(library).toString(),
                            copy.toString())
                    .inheritIO()
                    .start();
        } catch (IOException e) {
            Assumptions.abort("no g++ on this machine: " + e.getMessage());
            return;
        }
        assertThat(process.waitFor()).isZero();
    }
}
